"""What is kept of a look beside its status and number: the class of failure, with what else decisions ask of it."""

from __future__ import annotations

from opsagent.core.observation import Measure, Reading, Severity, Status

_CONCLUSIVE = "conclusive"
_TIMED_OUT = "timed-out"
_SILENT = "timeout"
"""The class that says by itself that no answer came."""


def class_of(reading: Reading) -> str | None:
    """Return the class of failure as it is kept: `refused`, `dns+timed-out`, `full+SEV2`; None for a good look."""
    timed_out = reading.timed_out and reading.failure_class != _SILENT
    marks = (_CONCLUSIVE if reading.conclusive else "", _TIMED_OUT if timed_out else "", reading.severity or "")
    known = [mark for mark in marks if mark]
    return "+".join([reading.failure_class or "", *known]) if known else reading.failure_class


def reading_of(status: Status, kept: str | None, measures: tuple[Measure, ...] = ()) -> Reading:
    """Return a kept look as a reading; what it said in words is not kept."""
    failure_class, *marks = (kept or "").split("+")
    return Reading(
        status=status,
        message=f"{status.value}: {failure_class}" if failure_class else status.value,
        failure_class=failure_class or None,
        conclusive=_CONCLUSIVE in marks,
        timed_out=_TIMED_OUT in marks or kept == _SILENT,
        severity=next((severity for severity in Severity if severity.value in marks), None) if marks else None,
        measures=measures,
    )
