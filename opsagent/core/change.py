"""One change of the host that somebody else made: what, when, whose, and how it reads in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsagent.core.unit import UnitSnapshot


class ChangeKind(StrEnum):
    """What changed. The first four are also what people and their tools report by `opsagent change`."""

    DEPLOY = "deploy"
    CONFIG = "config"
    MIGRATION = "migration"
    ROLLBACK = "rollback"
    PACKAGE = "package"
    UNIT_FILE = "unit-file"
    REBOOT = "reboot"
    KERNEL = "kernel"
    LOGIN = "login"
    SUDO = "sudo"


MARKERS = (ChangeKind.DEPLOY, ChangeKind.CONFIG, ChangeKind.MIGRATION, ChangeKind.ROLLBACK)
PEOPLE = (ChangeKind.LOGIN, ChangeKind.SUDO)
MOST_DIFF = 40
"""Lines of a difference that are kept."""
MOST_ITEMS = 20
"""Packages or commands that are named; `count` says how many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed (`subject`), how (`what`), when (`at`, UTC), by whom ("" when nobody knows), for which `units`.

    `diff` is a unified difference, redacted and bounded; `items` names the parts of it, of which there were `count`.
    Two reports with the same `mark` are one change. `unseen`: it was made while nobody looked, and found later.
    """

    kind: ChangeKind
    subject: str
    what: str
    at: datetime
    units: tuple[str, ...] = ()
    by: str = ""
    items: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()
    count: int = 1
    mark: str = ""
    unseen: bool = False

    @property
    def is_lasting(self) -> bool:
        """Whether it belongs into the decision memory: reported, a watched file, the package of a watched unit."""
        return self.kind in (*MARKERS, ChangeKind.UNIT_FILE) or (self.kind is ChangeKind.PACKAGE and bool(self.units))

    def of(self, unit: str | None) -> bool:
        """Whether it is a change of that unit's own: one that may break it, and that its owner is busy with."""
        return unit is not None and unit in self.units and self.is_lasting

    def waits_for(self, unit: UnitSnapshot | None) -> bool:
        """Whether it is a unit file that what runs was not started from: it breaks nothing before the next start."""
        if self.kind is not ChangeKind.UNIT_FILE or unit is None or unit.active_state != "active":
            return False
        return unit.inactive_exit_at is not None and unit.inactive_exit_at < self.at


def phrase(change: Change) -> str:
    """Return the change in a few words, without its time: `package nginx 1.22 → 1.24, by ann`."""
    by = f", by {change.by}" if change.by else ""
    words = f"{change.subject} {change.what}".strip()
    return f"{_KINDS.get(change.kind, change.kind.value)} {words}{by}"


_KINDS = {ChangeKind.UNIT_FILE: "unit file", ChangeKind.CONFIG: "configuration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is remembered of changes: those of the last day, oldest first, and how many logins a local day had.

    `tickets` says when a failure (by its fingerprint) was last handed to those who can change code.
    """

    known: tuple[Change, ...] = ()
    day: date | None = None
    logins: int = 0
    commands: int = 0
    tickets: Mapping[str, datetime] = field(default_factory=dict)
