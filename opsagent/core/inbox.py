"""What reaches the thread that owns the state: one frozen value for each thing that workers saw or did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from opsagent.core.archive.entry import Entry
from opsagent.core.archive.pattern import Archive
from opsagent.core.change import Change
from opsagent.core.commands import Answer, Command
from opsagent.core.diagnosis.evidence import Evidence
from opsagent.core.environment import Environment, Listener
from opsagent.core.events.logs import LogsReviewed
from opsagent.core.observation import Observation
from opsagent.core.playbook.section import Runbook, Section
from opsagent.core.policy import Policy
from opsagent.core.task import Task
from opsagent.core.trend import Point
from opsagent.core.unit import HostConditions, JobOutcome, MemoryUsed, StopSeen, UnitSnapshot
from opsagent.core.world import Draft, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A check has looked. `recorded` is called once what follows from it is in the log, never before."""

    seen: Observation
    recorded: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSeen:
    """A watched unit was read; `stops` are the operators' stops found in the journal since the last look there."""

    snapshot: UnitSnapshot
    stops: tuple[StopSeen, ...] = ()
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsSeen:
    """What was read just before a repair, with the host's conditions of the same moment."""

    unit: str
    facts: Facts
    conditions: HostConditions
    stops: tuple[StopSeen, ...] = ()
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """The host's conditions were read."""

    conditions: HostConditions


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    """An order was carried out, refused, or nobody knows."""

    incident: int
    action: int
    outcome: JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSeen:
    """What was found beside a failure; the lines are other people's words."""

    incident: int
    source: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurroundingsSeen:
    """What was around a failure, for its cause to be found."""

    incident: int
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One try to deliver a message. `targets` have it now; not `delivered` and not `retryable` is for good."""

    key: str
    delivered: bool
    reason: str = ""
    retryable: bool = True
    retry_after: timedelta | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operator's command, and where its answer goes once it is recorded."""

    command: Command
    reply: Callable[[Answer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A heartbeat is complete: how late it began and how long it took, in seconds.

    `past` is what was recorded of checks whose number may be going somewhere, oldest first; `memory` is what the units
    use that may be repaired.
    """

    late: float
    seconds: float
    lines: tuple[str, ...] = ()
    past: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    memory: tuple[MemoryUsed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSeen:
    """Everything beside the health was looked at. `earlier` are the sightings of listeners at the look before."""

    environment: Environment
    earlier: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenersSeen:
    """The listeners alone were looked at, between two heartbeats; `earlier` as above."""

    listeners: tuple[Listener, ...]
    earlier: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeSigned:
    """The dead man's switch was given its sign of life; `said` is what went wrong, "" when it answered."""

    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSeen:
    """The wall clock moved against boot time by more than it may drift."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRead:
    """New settings are good and in force from here on."""

    policy: Policy
    digest: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsWrong:
    """New settings are wrong: every error with its place."""

    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsSeen:
    """The rule of polkit was compared with the settings: what it does not fit and what to run, or ""."""

    lacking: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesFound:
    """What others changed on this host since the last look, oldest first."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidesSeen:
    """The playbook, the runbooks and people's entries of failures were read; redacted."""

    sections: tuple[Section, ...]
    runbooks: tuple[Runbook, ...]
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSeen:
    """All pattern files of the failure archive, as they are now; redacted."""

    archive: Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is on record of a failure was compared with the archive, which changed since."""

    incident: int
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksSeen:
    """What the records of earlier incidents and the tickets leave to be done; redacted."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The daemon is up. `missed` is how long nobody looked."""

    version: str
    pid: int
    missed: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """The event log was found damaged at the start; see `LogSalvaged`."""

    kept_at: str
    damage: str
    salvaged: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The daemon was asked to stop."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsRead:
    """The logs were reviewed, or could not be."""

    review: LogsReviewed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """Facts as an earlier record has them, for replays alone: what follows from them is decided anew."""

    facts: tuple[Draft, ...]


Arrival = (
    Looked
    | UnitSeen
    | FactsSeen
    | HostSeen
    | ActionDone
    | EvidenceSeen
    | SurroundingsSeen
    | Tried
    | Asked
    | Beat
    | EnvironmentSeen
    | ListenersSeen
    | LifeSigned
    | ClockSeen
    | SettingsRead
    | SettingsWrong
    | RightsSeen
    | ChangesFound
    | LogsRead
    | GuidesSeen
    | ArchiveSeen
    | Compared
    | TasksSeen
    | Recalled
    | Started
    | Salvaged
    | Stopping
)
