"""Everything folded from the event log: what the daemon knows, and nothing it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from opsagent.core.archive.pattern import Archive
from opsagent.core.backup.known import Known as KnownBackup
from opsagent.core.change import Changes
from opsagent.core.environment.known import EnvironmentKnown
from opsagent.core.events import PauseSet
from opsagent.core.experience import Experience
from opsagent.core.incident import Incident, Occurrence
from opsagent.core.job import Job
from opsagent.core.observation import Status
from opsagent.core.phase import Phase
from opsagent.core.playbook.section import Guides
from opsagent.core.policy import HostBudget
from opsagent.core.review import Reviews
from opsagent.core.starts import Starts
from opsagent.core.task import Task
from opsagent.core.trend import Coming
from opsagent.core.trust import Standing
from opsagent.core.unit import HostConditions, StopSeen, UnitSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One action that counts against the budgets of every unit it touched (`also` too)."""

    action: int
    incident: int
    unit: str
    also: tuple[str, ...]
    at: datetime
    ended_at: datetime | None = None
    verified: bool = False
    remedy: str = ""

    def touched(self, unit: str) -> bool:
        """Whether this attempt restarted that unit."""
        return unit == self.unit or unit in self.also


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStop:
    """A unit that we stopped on purpose: ordered `at`, for this incident. It is down until somebody starts it."""

    at: datetime
    incident: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The confirmed status of a check, since when, and its last sentence."""

    status: Status
    since: datetime
    message: str
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A message that is not delivered yet. `next_at` is the next try; `targets` those already reached."""

    key: str
    seq: int
    notifier: str
    level: str
    kind: str
    incident: int | None
    title: str
    body: str
    reason: str
    queued_at: datetime
    next_at: datetime
    expires_at: datetime
    attempts: int = 0
    targets: tuple[str, ...] = ()
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An incident that is over: what recurrence and "seen before" need to know; `filed`: it has a Markdown file.

    `alias` is its fingerprint by the failure class alone, as in `Incident`. `occurrences` are its spells of trouble,
    oldest first.
    """

    seq: int
    label: str
    key: str
    check: str
    fingerprint: str
    first_bad_at: datetime
    closed_at: datetime
    healed: bool
    seconds: float | None = None
    filed: bool = False
    alias: str = ""
    occurrences: tuple[Occurrence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blip:
    """A failure that went away before it was believed."""

    check: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heal:
    """A repair that was verified `at` that time, of a failure that began before it and lasted for `seconds`.

    `memory` is how much the unit used at the heartbeats since the repair before (bytes, oldest first).
    """

    unit: str
    at: datetime
    incident: int
    check: str = ""
    remedy: str = ""
    cause: str = ""
    after_change: str = ""
    bad_at: datetime | None = None
    seconds: float | None = None
    memory: tuple[float, ...] = ()

    @property
    def began(self) -> datetime:
        """When the failure began, as far as that is known."""
        return self.bad_at or self.at

    @property
    def memory_grew(self) -> bool:
        """Whether it used a third more at the end than at the beginning, and never much more between."""
        return len(self.memory) >= 3 and self.memory[-1] >= max(self.memory[0] * 4 / 3, max(self.memory) * 0.9)  # noqa: PLR2004 - said above


@dataclass(frozen=True, kw_only=True)  # no slots: see core/renewal.py
class Day:
    """The figures of one local day, for the head of the daily memory.

    `missed` are heartbeats that did not come; `others` counts the `actions` that were no restart.
    """

    date: date
    heartbeats: int = 0
    missed: int = 0
    last_heartbeat_at: datetime | None = None
    good: int = 0
    bad: int = 0
    blind: int = 0
    pages: int = 0
    actions: tuple[datetime, ...] = ()
    others: int = 0
    healed: tuple[int, ...] = ()
    blips: tuple[Blip, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Open since then; `last_at` is the last new failure. It closes after ten quiet minutes."""

    opened_at: datetime
    last_at: datetime
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMan:
    """What the dead man's switch said `at` that time, "" when it answered; so it has been `since`."""

    at: datetime
    since: datetime
    said: str = ""


@dataclass(frozen=True, kw_only=True)  # no slots: see core/renewal.py
class State:
    """The fold of all events up to `seq`. Mappings are never changed in place.

    `refused` are the errors of newer settings that are not in force; `lacking` is how the rule of polkit does not fit.
    `proven` says when each notifier last delivered something; `complaints` is what the last heartbeat said of our room;
    `changes` is what others changed; `guides` is what people wrote for the next time, `tasks` what they left to be
    done, `archive` the failures that are known. The clock was set `jumped_at`, by `jumped_by`.
    """

    seq: int = 0
    at: datetime | None = None
    zone: str = "UTC"
    mode: str = "observe"
    digest: str = ""
    checks: tuple[str, ...] = ()
    armed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    lacking: str = ""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    heartbeat: timedelta = timedelta(minutes=30)
    beat_due_at: datetime | None = None
    complaints: tuple[str, ...] = ()
    coming: tuple[Coming, ...] = ()
    dead_man: DeadMan | None = None
    notifiers: tuple[str, ...] = ()
    proven: Mapping[str, datetime] = field(default_factory=dict)
    budget: HostBudget = field(default_factory=HostBudget)
    version: str = ""
    pid: int = 0
    conditions: HostConditions = field(default_factory=HostConditions)
    overloaded_at: datetime | None = None
    jumped_at: datetime | None = None
    jumped_by: timedelta = timedelta()
    units: Mapping[str, UnitSnapshot] = field(default_factory=dict)
    # When each unit last became active, kept also when systemd has forgotten the unit since.
    active_at: Mapping[str, datetime] = field(default_factory=dict)
    # What is known of each unit's start-up time.
    starts: Mapping[str, Starts] = field(default_factory=dict)
    stops: Mapping[str, StopSeen] = field(default_factory=dict)
    own_stops: Mapping[str, OwnStop] = field(default_factory=dict)
    health: Mapping[str, Known] = field(default_factory=dict)
    flapping: frozenset[str] = frozenset()
    incidents: Mapping[int, Incident] = field(default_factory=dict)
    # Closed ones of which a message is still on its way.
    farewells: Mapping[int, Incident] = field(default_factory=dict)
    past: tuple[Past, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    heals: tuple[Heal, ...] = ()
    chronic_told: Mapping[str, datetime] = field(default_factory=dict)
    # Bytes that each armed unit used at the heartbeats since its last repair.
    memory: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    backups: Mapping[str, KnownBackup] = field(default_factory=dict)
    pauses: Mapping[str, PauseSet] = field(default_factory=dict)
    owed: Mapping[str, Owed] = field(default_factory=dict)
    breaker: Breaker | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict)
    day: Day | None = None
    missed: timedelta = timedelta()
    changes: Changes = field(default_factory=Changes)
    environment: EnvironmentKnown = field(default_factory=EnvironmentKnown)
    reviews: Reviews = field(default_factory=Reviews)
    guides: Guides = field(default_factory=Guides)
    # By unit and remedy, see `trust.name_of`.
    standings: Mapping[str, Standing] = field(default_factory=dict)
    archive: Archive = field(default_factory=Archive)
    # By fingerprint, what was seen last at the end.
    experience: Mapping[str, Experience] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()

    def open_for(self, key: str) -> Incident | None:
        """Return the incident of this open key that is not closed yet (suspects and resolved ones too)."""
        return next((i for i in self.incidents.values() if i.key == key), None)

    def incident(self, seq: int | None) -> Incident | None:
        """Return an incident, also one that is closed while a message about it is still on its way."""
        return self.incidents.get(seq or 0) or self.farewells.get(seq or 0)

    @property
    def open_incidents(self) -> tuple[Incident, ...]:
        """The confirmed incidents that are not resolved, oldest first."""
        return tuple(sorted((i for i in self.incidents.values() if i.is_open), key=lambda i: i.seq))

    @property
    def suspects(self) -> tuple[Incident, ...]:
        """Failures seen but not yet believed."""
        return tuple(i for i in self.incidents.values() if i.state is Phase.SUSPECT)
