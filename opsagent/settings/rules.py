"""What a single value must be like, beyond its type: names, ranges, zones. Each rule returns the value or raises."""

from __future__ import annotations

import re
import zoneinfo
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsagent.core.acts import Act
from opsagent.core.backup.job import BackupOptions, Keep
from opsagent.core.denied import malformed
from opsagent.core.policy import Confirm, HostBudget, RemedyRule, ReviewPolicy, UnitBudget
from opsagent.core.quantity import spell
from opsagent.core.reclaim import OldFiles, Reclaim
from opsagent.settings.options import (
    NAME,
    Changes,
    CheckOptions,
    Deadman,
    Document,
    Metrics,
    NotifierOptions,
    Step,
    Window,
)
from opsagent.settings.problem import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVERYTHING = "all"
LONGEST_BACKUP = 40
_NAME = re.compile(NAME, re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", re.ASCII)
_BEGINS = re.compile(r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+", re.ASCII)


def name(value: str) -> str:
    """A name is an identity: it stands in files, commands and links."""
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"cannot use {shown(value)} as a name, allowed: small letters, digits and hyphens, "
            "beginning with a letter or digit, up to 63",
        )
    return value


def check_name(value: str) -> str:
    """A check's name is none that means every check."""
    if value == EVERYTHING:
        raise ValueError(f"cannot use {shown(value)} as a name: pauses and windows mean every check by it")
    return name(value)


def host_name(value: str) -> str:
    """A host's name as it stands in records."""
    if not _HOST.fullmatch(value):
        raise ValueError(f"cannot use {shown(value)} as a host name, allowed: letters, digits, dots, _ and -")
    return value


def unit_name(value: str) -> str:
    """A unit's full name."""
    wrong = malformed(value)
    if wrong:
        raise ValueError(wrong)
    return value


def zone_name(value: str) -> str:
    """A time zone that this host knows."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"cannot find the time zone {shown(value)}, allowed: a name such as UTC or Europe/Berlin",
        ) from None
    return value


def begins(value: str) -> str:
    """The begin of a maintenance: weekly, daily or once."""
    if _BEGINS.fullmatch(value) or _is_date_time(value):
        return value
    raise ValueError(
        f"cannot read {shown(value)} as a begin, allowed: 'Sun 02:00', '02:00' or '2026-03-01T02:00'",
    )


def backup_name(value: str) -> str:
    """A backup's name is part of its check's and its units'."""
    if len(value) > LONGEST_BACKUP:
        raise ValueError(f"cannot use a backup's name of {len(value)} characters, allowed: up to {LONGEST_BACKUP}")
    return name(value)


def time_of_day(value: str) -> str:
    """When something is done again and again."""
    if not _BEGINS.fullmatch(value):
        raise ValueError(f"cannot read {shown(value)} as a time, allowed: '02:30' or 'Sun 02:30'")
    return value


def full_path(value: str) -> str:
    """A directory by its full path, or none."""
    is_plain = value.startswith("/") and not {"", ".", ".."} & set(value.rstrip("/").split("/")[1:])
    if value and not (is_plain and value.isprintable()):
        raise ValueError(f"cannot use {shown(value)} as a directory, allowed: a full path without //, . and ..")
    return value


def file_pattern(value: str) -> str:
    """A pattern for names of files in one directory."""
    if not value or "/" in value or not value.isprintable():
        raise ValueError(f"cannot use {shown(value)} as a pattern, allowed: for the name alone, such as *.log.*")
    return value


def program(value: tuple[str, ...]) -> tuple[str, ...]:
    """A command by its full path, or none."""
    if value and not value[0].startswith("/"):
        raise ValueError(f"cannot run {shown(value[0])}, allowed: a program's full path, beginning with /")
    return value


def _is_date_time(value: str) -> bool:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return False
    return bool(_DATE_TIME.fullmatch(value)) and MINYEAR < found.year < MAXYEAR  # in UTC it is another year, perhaps


def clock_time(value: str) -> str:
    """A local time of day."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"cannot read {shown(value)} as a time of day, allowed: 00:00 to 23:59, such as 07:30")
    return value


def web_address(value: str) -> str:
    """An address for http or https."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(sign.isspace() or not sign.isprintable() for sign in value):
        raise ValueError("cannot use this as an address, allowed: http:// or https:// with a host")
    return value


def directory(value: Path) -> Path:
    """A path that means the same wherever the daemon was started."""
    if not (value.is_absolute() or value.parts[:1] == ("~",)) or ".." in value.parts:
        raise ValueError(f"cannot use {shown(value)} as a directory, allowed: a path from / or ~/ without ..")
    return value


def textfile(value: Path | None) -> Path | None:
    """A file that node_exporter reads."""
    if value is not None and directory(value).suffix != ".prom":
        raise ValueError(f"cannot use {shown(value)} as a textfile, allowed: a path from / or ~/ that ends in .prom")
    return value


def full_paths(value: tuple[str, ...]) -> tuple[str, ...]:
    """Paths or patterns that mean the same wherever the program was started."""
    for path in value:
        if not path.startswith("/"):
            raise ValueError(f"cannot watch {shown(path)}, allowed: full paths or patterns such as /etc/nginx/**")
    return value


def filled(value: tuple[object, ...]) -> tuple[object, ...]:
    """A list that must not be empty."""
    if not value:
        raise ValueError("cannot use an empty list here, allowed: one item or more")
    return value


def between(least: Any, most: Any) -> Callable[[Any], Any]:
    """Make the rule for a number or duration from `least` to `most`."""

    def rule(value: Any) -> Any:
        for item in value if isinstance(value, tuple) else (value,):
            if not least <= item <= most:
                raise ValueError(f"cannot use {_said(item)}, allowed: {_said(least)} to {_said(most)}")
        return value

    return rule


def _said(value: object) -> str:
    return spell(value) if isinstance(value, timedelta) else str(value)


_MS, _SECOND, _MINUTE, _HOUR, _DAY = (
    timedelta(milliseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
_interval = between(_SECOND, 7 * _DAY)
_deadline = between(100 * _MS, 10 * _MINUTE)

RULES: dict[tuple[type, str], Callable[[Any], Any]] = {
    (Document, "host"): host_name,
    (Document, "memory"): directory,
    (Document, "state"): directory,
    (Document, "zone"): zone_name,
    (Document, "heartbeat"): _interval,
    (Document, "fast_loop"): between(_SECOND, _HOUR),
    (Deadman, "url"): web_address,
    (Deadman, "every"): between(10 * _SECOND, _DAY),
    (Metrics, "textfile"): textfile,
    (CheckOptions, "name"): check_name,
    (CheckOptions, "unit"): unit_name,
    (CheckOptions, "every"): _interval,
    (CheckOptions, "timeout"): _deadline,
    (CheckOptions, "hold"): between(timedelta(), 7 * _DAY),
    (Confirm, "failures"): between(1, 100),
    (Confirm, "successes"): between(1, 100),
    (Confirm, "retry"): between(100 * _MS, _HOUR),
    (Confirm, "stable_for"): between(timedelta(), _DAY),
    (Confirm, "resolve_after"): between(timedelta(), _DAY),
    (Confirm, "start_within"): between(timedelta(), _HOUR),
    (RemedyRule, "timeout"): between(_SECOND, _HOUR),
    (RemedyRule, "wait"): between(timedelta(), _HOUR),
    (BackupOptions, "name"): backup_name,
    (BackupOptions, "at"): time_of_day,
    (BackupOptions, "every"): between(5 * _MINUTE, 31 * _DAY),
    (BackupOptions, "timeout"): between(_MINUTE, _DAY),
    (BackupOptions, "verify"): program,
    (BackupOptions, "scratch"): full_path,
    (Keep, "last"): between(1, 1000),
    (Keep, "daily"): between(0, 1000),
    (Keep, "weekly"): between(0, 1000),
    (Keep, "monthly"): between(0, 1000),
    (Act, "name"): name,
    (Act, "command"): filled,
    (Act, "timeout"): between(_SECOND, _HOUR),
    (Reclaim, "timeout"): between(_SECOND, _HOUR),
    (OldFiles, "path"): full_path,
    (OldFiles, "pattern"): file_pattern,
    (OldFiles, "older_than"): between(_SECOND, 3650 * _DAY),
    (UnitBudget, "attempts"): between(1, 20),
    (UnitBudget, "within"): between(_MINUTE, 7 * _DAY),
    (UnitBudget, "per_day"): between(1, 100),
    (UnitBudget, "waits"): lambda value: between(timedelta(), _DAY)(filled(value)),
    (HostBudget, "actions"): between(1, 1000),
    (HostBudget, "within"): between(_MINUTE, 7 * _DAY),
    (ReviewPolicy, "at"): clock_time,
    (ReviewPolicy, "files"): full_paths,
    (Step, "name"): name,
    (Step, "after"): between(timedelta(), 7 * _DAY),
    (Step, "notify"): filled,
    (Window, "checks"): filled,
    (Window, "begins"): begins,
    (Window, "lasts"): between(_MINUTE, 7 * _DAY),
    (Window, "zone"): zone_name,
    (Changes, "files"): full_paths,
    (Changes, "hold"): between(timedelta(), _DAY),
    (Changes, "suspect_for"): between(timedelta(), _DAY),
    (NotifierOptions, "name"): name,
}
"""The rule of each field that has one."""
