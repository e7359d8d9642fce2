"""What is backed up, how often, for how long, and how it is proven. The fields are the keys of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from opsagent.core.cron import next_after, parse

DAY = timedelta(days=1)
LEAST_GRACE = timedelta(hours=1)
MOST_GRACE = DAY
DRILL_WITHIN = {"weekly": timedelta(days=9), "monthly": timedelta(days=38), "never": None}
"""The longest time from one proof to the next: its pace (first Sundays are up to 35 days apart), and a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many backups are kept; the newest of each day, week and month counts, and one may count for several.

    last: the newest ones, whatever their day.
    daily: days of which the newest is kept.
    weekly: weeks of which the newest is kept.
    monthly: months of which the newest is kept.
    """

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """The keys that every backup has.

    name: its identity, in commands, records and the names of its units.
    kind: what is backed up.
    at: when it is made: `02:30` every day or `Sun 02:30` every week, in the settings' zone.
    every: how often instead, from the end of one to the next.
    keep: how many are kept.
    drill: how often a restore is rehearsed: monthly, weekly or never.
    verify: program with its full path and its arguments that judges what a drill restored; the directory of that is
    its last argument, and 0 is good.
    scratch: directory in which a drill restores; default: beside the records of the backups.
    timeout: the longest a backup or a drill may take.
    """

    name: str
    kind: str
    at: str = "02:30"
    every: timedelta | None = None
    keep: Keep = field(default_factory=Keep)
    drill: Literal["monthly", "weekly", "never"] = "monthly"
    verify: tuple[str, ...] = ()
    scratch: str = ""
    timeout: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqlite:
    """A SQLite database, copied whole while it is written to. Its writers wait only if it is not in WAL mode.

    database: the file.
    to: the directory that keeps the copies; only root may be able to change it, or what is above it.
    """

    database: str
    to: str

    def __post_init__(self) -> None:
        """Refuse at once what could never work (ValueError)."""
        for key, path in (("database", self.database), ("to", self.to)):
            _full(key, path)
        if self.database == self.to:
            raise ValueError(f"cannot use to {self.to!r}: it is the database, allowed: a directory for its copies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Files and directories, into an encrypted repository of restic (Debian's package `restic`).

    paths: what is backed up.
    repository: where to, as restic writes it: a directory, or `sftp:user@host:/srv/backups`.
    password_file: root's file with its password, mode 0600; keep a copy elsewhere: without it nothing can be restored.
    exclude: patterns of what is left out, as restic reads them.
    read_data: percent of the repository that a drill reads again to find rotten bits.
    """

    paths: tuple[str, ...]
    repository: str
    password_file: str
    exclude: tuple[str, ...] = ()
    read_data: int = 100

    def __post_init__(self) -> None:
        """Refuse at once what could never work (ValueError)."""
        if not self.paths:
            raise ValueError("cannot back up no paths, allowed: one or more (paths)")
        for path in self.paths:
            _full("paths", path)
        _full("password_file", self.password_file)
        if not self.repository or self.repository.startswith("-"):
            raise ValueError("cannot use this repository, allowed: a directory or an address (repository)")
        if "@" in self.repository and ":" in self.repository.partition("://")[2].rpartition("@")[0]:
            raise ValueError("cannot use a repository with a password in it: every user sees it while restic runs")
        if _within(self.repository, self.paths) and not self.exclude:
            raise ValueError("cannot keep the repository in paths: it would back itself up; exclude it, or move it")
        if not 1 <= self.read_data <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"cannot use read_data {self.read_data}, allowed: 1 to 100")


def _within(place: str, paths: tuple[str, ...]) -> bool:
    return any(f"{place}/".startswith(f"{path.rstrip('/')}/") for path in paths)


def _full(key: str, path: str) -> None:
    if not path.startswith("/") or ".." in path.split("/") or not path.isprintable():
        raise ValueError(f"cannot use {key} {path!r}, allowed: a full path without ..")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One backup of the settings, with `zone` for its times."""

    name: str
    what: Sqlite | Paths
    zone: str = "UTC"
    at: str = "02:30"
    every: timedelta | None = None
    keep: Keep = field(default_factory=Keep)
    drill: str = "monthly"
    verify: tuple[str, ...] = ()
    scratch: str = ""
    timeout: timedelta = timedelta(hours=2)

    @property
    def kind(self) -> str:
        """The word of the settings for what it is."""
        return "sqlite" if isinstance(self.what, Sqlite) else "paths"

    @property
    def period(self) -> timedelta:
        """The time from one backup to the next."""
        return self.every or (7 * DAY if " " in self.at else DAY)

    @property
    def grace(self) -> timedelta:
        """How much later than it is due it may be there: a quarter of its period is for what may delay it."""
        return min(max(self.period / 4, LEAST_GRACE), MOST_GRACE)

    @property
    def max_age(self) -> timedelta:
        """The age at which it is late."""
        return self.period + self.grace

    def due_after(self, at: datetime) -> datetime:
        """Return when the first turn after a moment begins, both UTC."""
        if self.every is not None:
            return at + self.every
        day, _, clock = self.at.rpartition(" ")
        hour, _, minute = clock.partition(":")
        return next_after(parse(f"{minute} {hour} * * {day or '*'}"), at, self.zone)

    @property
    def drill_within(self) -> timedelta | None:
        """The age at which the proof of a restore is too old, None where nobody wants one."""
        return DRILL_WITHIN[self.drill]

    @property
    def units(self) -> tuple[str, ...]:
        """The services that do it, as root."""
        return (f"opsagent-backup-{self.name}.service", f"opsagent-drill-{self.name}.service")
