"""Facts about the daemon, its settings and its host."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from opsagent.core.events.event import Event
from opsagent.core.job import JobWatched
from opsagent.core.observation import Status
from opsagent.core.policy import HostBudget
from opsagent.core.trend import Coming
from opsagent.core.unit import HostConditions, MemoryUsed, StopSeen, UnitSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStarted(Event):
    """The daemon holds the lock and has read its log. `missed` says how long nobody looked."""

    version: str
    pid: int
    missed: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStopped(Event):
    """The daemon was asked to stop."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSalvaged(Event):
    """The event log was damaged: it is kept at `kept_at`, and what could be read of it was carried over."""

    kept_at: str
    damage: str
    salvaged: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsApplied(Event):
    """These settings are in force from here on. `text` is the whole of the files, `armed` the checks that may act.

    `jobs` are those of the checks that run by themselves and tell us.
    """

    digest: str
    text: str
    zone: str
    mode: str
    checks: tuple[str, ...]
    armed: tuple[str, ...]
    notifiers: tuple[str, ...] = ()
    heartbeat: timedelta = timedelta(minutes=30)
    budget: HostBudget = field(default_factory=HostBudget)
    jobs: tuple[JobWatched, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRefused(Event):
    """New settings were wrong; the old ones stay in force."""

    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsCompared(Event):
    """The rule of polkit was compared with the settings. `lacking` says what it does not fit and what to run, or ""."""

    lacking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostObserved(Event):
    """What holds a hand back, host-wide, has changed."""

    conditions: HostConditions


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitObserved(Event):
    """A watched unit looks different from before."""

    snapshot: UnitSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupSeen(Event):
    """A unit was started, by whomever, and after so many seconds all its checks were good: its start-up time."""

    unit: str
    seconds: float
    invocation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStopped(Event):
    """A person stopped a unit: it is left alone until it runs again."""

    stop: StopSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStopEnded(Event):
    """A unit that a person had stopped runs again."""

    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumped(Event):
    """The wall clock moved against boot time; open deadlines and budget stamps are shifted by `by`."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatDone(Event):
    """One full reconciliation: how the checks stood, how late it was, how long it took (seconds).

    `lines` is what is wrong with our own room, `coming` what the checks will say some day, `memory` what the units
    use that may be repaired.
    """

    good: int
    bad: int
    blind: int
    late: float
    seconds: float
    lines: tuple[str, ...] = ()
    coming: tuple[Coming, ...] = ()
    memory: tuple[MemoryUsed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadManHeard(Event):
    """The dead man's switch was given its sign of life: `said` is what went wrong, "" when it answered.

    Recorded when that changed, and once in a heartbeat's time.
    """

    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged(Event):
    """The confirmed status of a check changed."""

    check: str
    was: Status
    now: Status
    message: str
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlipSeen(Event):
    """A check failed fewer times than it takes to believe it, and is good again."""

    check: str
    message: str
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingStarted(Event):
    """A check changes so often (percent of its last 20 looks) that acting on it would do harm."""

    check: str
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlappingEnded(Event):
    """A check is steady again, and this is how it ended."""

    check: str
    percent: float
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(Event):
    """Too many unrelated failures at once: no repairs, one parent incident."""

    keys: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(Event):
    """Ten quiet minutes have passed."""
