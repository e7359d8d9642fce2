"""The numbers an operator may set, each with its unit, default and reason. Built by `settings`, used by the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from opsagent.core.job import Plan
from opsagent.core.observation import Severity


class Mode(StrEnum):
    """`observe` records what it would have done; `suggest` asks a person first; `auto` acts where a check is armed."""

    OBSERVE = "observe"
    SUGGEST = "suggest"
    AUTO = "auto"


class Criticality(StrEnum):
    """How much the host's owner needs this check to be good."""

    CRITICAL = "critical"
    IMPORTANT = "important"
    NORMAL = "normal"
    LOW = "low"


SEVERITY_OF = {
    Criticality.CRITICAL: Severity.SEV1,
    Criticality.IMPORTANT: Severity.SEV2,
    Criticality.NORMAL: Severity.SEV3,
    Criticality.LOW: Severity.SEV4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How many looks it takes to believe a failure, and a recovery.

    3 of 3 is the default of Kubernetes probes too; a single failed look is noise more often than not.
    `start_within` None: what a start takes is learned, see core/startup.py.
    """

    failures: int = 3
    retry: timedelta = timedelta(seconds=5)
    successes: int = 2
    stable_for: timedelta = timedelta(seconds=30)
    resolve_after: timedelta = timedelta(minutes=5)
    start_within: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRule:
    """One allowed remedy of a check: the kind, for `command` its argv (never a shell), for `act` its name.

    `files` are those that `restore` may put back, by their full paths.

    `mode` is its own, never above the file's; None: the file's. In an ordered list `wait` is how long its effect is
    waited for (None: as the budget says), and `verify` the check that must be good before the list goes on.
    """

    do: str
    command: tuple[str, ...] = ()
    name: str = ""
    timeout: timedelta = timedelta(seconds=60)
    holds_data: bool = False
    mode: Mode | None = None
    wait: timedelta | None = None
    verify: str = ""
    files: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What people and the failure archive call it: `restart`, `act renew-certificate`."""
        return f"{self.do} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPolicy:
    """What the core knows of a check. The kind's own options stay in `checks/`.

    `hold` is the YAML key `for`: how long a bad status must last before it counts. `job` is when a job should run.
    `ordered`: `repair` is a playbook, done strictly in its order. What a check of `security` finds is an incident for
    people at once, and nothing is ever done about it by itself.
    """

    name: str
    kind: str
    unit: str | None = None
    scope: str = "system"
    every: timedelta = timedelta(seconds=60)
    timeout: timedelta = timedelta(seconds=10)
    hold: timedelta = timedelta()
    confirm: Confirm = Confirm()
    repair: tuple[RemedyRule, ...] = ()
    ordered: bool = False
    criticality: Criticality = Criticality.LOW
    depends_on: tuple[str, ...] = ()
    job: Plan | None = None
    security: bool = False

    @property
    def key(self) -> str:
        """The open key within a host: one unit's failure is one incident, whoever saw it."""
        return self.unit or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitBudget:
    """Attempts on one unit: 3 in 30 min and 8 a day; `waits[i]` runs from the end of attempt i to i+1."""

    attempts: int = 3
    within: timedelta = timedelta(minutes=30)
    per_day: int = 8
    waits: tuple[timedelta, ...] = (timedelta(seconds=10), timedelta(seconds=60), timedelta(seconds=300))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBudget:
    """Actions on the whole host: 6 an hour, of which one unit takes at most half."""

    actions: int = 6
    within: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePolicy:
    """After a change of a unit's own: no repair of it for `hold`, whoever made it is still at it (root's deploys take
    minutes); what goes bad within `suspect_for` is told as its consequence. `developers` are notifiers.
    """

    hold: timedelta = timedelta(minutes=10)
    suspect_for: timedelta = timedelta(minutes=30)
    developers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the escalation: who is told, and how long after the first page."""

    name: str
    after: timedelta
    notify: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The levels for every severity, and those that a severity has of its own."""

    levels: tuple[Level, ...] = ()
    by_severity: tuple[tuple[Severity, tuple[Level, ...]], ...] = ()

    def levels_for(self, severity: Severity) -> tuple[Level, ...]:
        """Return the levels in force for this severity."""
        return dict(self.by_severity).get(severity, self.levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A planned window: no pages, and no repairs either where `repairs` says so.

    `begins` is `Sun 02:00`, `02:00` or an ISO date-time, in `zone`.
    """

    checks: tuple[str, ...]
    begins: str
    lasts: timedelta
    zone: str
    repairs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerPolicy:
    """Who may listen on this host. `ignore` names units, programs, or ports such as `tcp 8081`.

    `alert`: a port that opens to the network, without a package run or deploy, is an incident for a person.
    """

    ignore: tuple[str, ...] = ()
    alert: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPolicy:
    """The daily review of the logs: at which local time, whether at all, and of which files beside the journal."""

    at: str = "07:30"
    enabled: bool = True
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookPolicy:
    """Whether the harmless steps of a playbook are run. `urls` are those that the checks ask: they may be asked too."""

    run: bool = True
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierPolicy:
    """A notifier as the core knows it. A public audience is given aliases instead of names."""

    name: str
    kind: str
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything the core decides by. `zone` dates the daily files; `notifiers` never includes the journal."""

    host: str
    zone: str = "UTC"
    mode: Mode = Mode.AUTO
    heartbeat: timedelta = timedelta(minutes=30)
    fast_loop: timedelta = timedelta(seconds=60)
    checks: tuple[CheckPolicy, ...] = ()
    per_unit: UnitBudget = UnitBudget()
    per_host: HostBudget = HostBudget()
    notifiers: tuple[NotifierPolicy, ...] = ()
    escalation: Escalation = Escalation()
    maintenance: tuple[Maintenance, ...] = ()
    changes: ChangePolicy = ChangePolicy()
    listeners: ListenerPolicy = ListenerPolicy()
    review: ReviewPolicy = ReviewPolicy()
    playbook: PlaybookPolicy = PlaybookPolicy()
    # Made from `checks`, for they are looked up at every look; no part of the value.
    _by_name: dict[str, CheckPolicy] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_key: dict[str, tuple[CheckPolicy, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the checks by name and by open key; of two with one name the first counts."""
        for check in self.checks:
            self._by_name.setdefault(check.name, check)
            self._by_key[check.key] = (*self._by_key.get(check.key, ()), check)

    @property
    def jobs(self) -> tuple[CheckPolicy, ...]:
        """The checks that are jobs, which run by themselves and tell us."""
        return tuple(check for check in self.checks if check.job is not None)

    def check(self, name: str) -> CheckPolicy | None:
        """Return the check of that name, or None."""
        return self._by_name.get(name)

    def checks_of(self, key: str) -> tuple[CheckPolicy, ...]:
        """Return the checks that speak of one open key (a unit, or the check itself)."""
        return self._by_key.get(key, ())

    def named(self, name: str) -> tuple[CheckPolicy, ...]:
        """Return what a person means: the check of that name, or those of that unit, with or without `.service`."""
        check = self.check(name)
        return (check,) if check is not None else self.checks_of(name) or self.checks_of(f"{name}.service")
