"""The settings as everyone else gets them: frozen, checked, with the core's policy built once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from opsagent.core import dependants
from opsagent.core.acts import KEEP, RESTORE, Act, act_unit, name_for, unit_of
from opsagent.core.backup.job import Job
from opsagent.core.policy import CheckPolicy, NotifierPolicy, Policy
from opsagent.core.reclaim import Reclaim
from opsagent.settings.options import Deadman, Http, Layout, Metrics, Scope
from opsagent.settings.source import SYSTEM_BACKUPS, SYSTEM_STATE, Source, is_system_path

if TYPE_CHECKING:
    from opsagent.core.observation import Reading


class Look(Protocol):
    """What a kind of check offers."""

    def observe(self) -> Reading:
        """Look once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A check: what the core knows of it, and the thing that looks."""

    policy: CheckPolicy
    check: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A notifier: what the core knows of it, and the thing that sends (its kind's own class)."""

    policy: NotifierPolicy
    notifier: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator may set, with the defaults filled in.

    `policy` is all the core decides by. `memory` and `state` are absolute. `sources` are the files as read, the
    main one first, and empty without settings. `path` is the main file or None. `secrets` are the passwords and
    tokens of the settings and of the files they name: strike them out of whatever is recorded.
    """

    policy: Policy
    memory: Path
    state: Path
    layout: Layout
    scope: Scope
    deadman: Deadman | None = None
    changed_files: tuple[str, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    http: Http | None = None
    watched: tuple[Watched, ...] = ()
    channels: tuple[Channel, ...] = ()
    backups: tuple[Job, ...] = ()
    acts: tuple[Act, ...] = ()
    reclaim: Reclaim = field(default_factory=Reclaim)
    sources: tuple[Source, ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    path: Path | None = None

    @property
    def host(self) -> str:
        """The name of this host in every record."""
        return self.policy.host

    @property
    def backup_records(self) -> Path:
        """The directory of what became of the backups; for the host's own instance one that root alone may write.

        What lies below the state directory can be exchanged by the daemon's user: root must not write there.
        """
        is_system = self.state == SYSTEM_STATE or (self.path is not None and is_system_path(self.path))
        return SYSTEM_BACKUPS if is_system else self.state / "backups"

    @property
    def zone(self) -> str:
        """The time zone that dates the daily files and gives the times in all sentences."""
        return self.policy.zone

    def backup_units(self) -> tuple[str, ...]:
        """Return the services that back up and rehearse: what becomes of them is told by checks of their own."""
        return tuple(unit for job in self.backups for unit in job.units)

    def units(self) -> tuple[str, ...]:
        """Return every unit that a check names, sorted, once each."""
        return tuple(sorted({check.unit for check in self.policy.checks if check.unit}))

    def armed(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the pairs (unit of the system's manager, remedies) that need a right, sorted by unit."""
        pairs: dict[str, set[str]] = {}
        for check in self.policy.checks:
            by_root = {rule: unit for rule in check.repair if (unit := act_unit(rule, check.unit or ""))}
            remedies = {rule.do for rule in check.repair if rule.do != "command" and rule not in by_root}
            if check.unit and remedies and check.scope == "system":
                pairs.setdefault(check.unit, set()).update(remedies)
            if any(rule.do == dependants.REMEDY for rule in check.repair) and check.unit and check.scope == "system":
                for unit in dependants.below(self.policy, check.unit):
                    pairs.setdefault(unit, set()).add(dependants.REMEDY)
            pairs |= {unit: {"act"} for unit in by_root.values()}
            if any(rule.do == RESTORE for rule in check.repair):
                pairs[unit_of(name_for(KEEP, "", check.unit or ""))] = {"act"}
        return tuple((unit, tuple(sorted(pairs[unit]))) for unit in sorted(pairs))
