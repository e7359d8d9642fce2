"""What a check answers (a reading) and the same, stamped with name and time (an observation)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """The four answers of the monitoring-plugins world, in their words."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """What made us look."""

    EVENT = "event"
    FAST_LOOP = "fast_loop"
    HEARTBEAT = "heartbeat"
    PROBE = "probe"


class Severity(StrEnum):
    """SEV1 is the worst; compare with `worse_of`, never by text."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


def worse_of(one: Severity, other: Severity) -> Severity:
    """Return the more severe of two."""
    return min(one, other, key=lambda severity: severity.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a look: `value` in `unit` (%, s, bytes, "" for a count).

    `limit` is the number at which the check begins to complain, if higher is worse and it has one: what has
    been bad clears only 5 points below it.
    """

    name: str
    value: float
    unit: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A check's answer about the host at one moment.

    `failure_class` is a slug (`refused`, `timeout`, `status`, `dead` …), None when the status is ok.
    `conclusive` says that one such look is enough to confirm (systemd told us the process is dead).
    `timed_out` says that the failure is the absence of an answer, which an overloaded host causes too.
    `severity` is set only where the check itself knows better than the criticality (disk at 95 %).
    """

    status: Status
    message: str
    failure_class: str | None = None
    conclusive: bool = False
    timed_out: bool = False
    severity: Severity | None = None
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A reading, stamped: which check, when (UTC), how long the look took (seconds), what made us look."""

    check: str
    reading: Reading
    at: datetime
    seconds: float = 0.0
    source: Source = Source.FAST_LOOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A check was good at every look, so many times in a row, since then (UTC)."""

    check: str
    looks: int
    since: datetime


def ok(message: str, *measures: Measure) -> Reading:
    """Return a good reading."""
    return Reading(status=Status.OK, message=message, measures=measures)


def unknown(message: str, failure_class: str = "unknown") -> Reading:
    """Return "I could not look", which is never "it is broken"."""
    return Reading(status=Status.UNKNOWN, message=message, failure_class=failure_class)


def grade(value: float, warning: float | None, critical: float | None) -> Status:
    """Compare a number where higher is worse: at or above a limit is over it; a limit of None never trips."""
    if critical is not None and value >= critical:
        return Status.CRITICAL
    if warning is not None and value >= warning:
        return Status.WARNING
    return Status.OK


def lowest(warning: float | None, critical: float | None) -> float | None:
    """Return the limit at which a check begins to complain, None if it has none."""
    return min((limit for limit in (warning, critical) if limit is not None), default=None)
