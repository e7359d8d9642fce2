"""What the check that failed says by itself: silent, slow, an old certificate, a name that does not resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause, Certainty, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence

SLOWER = 5
"""So many times its usual time is slow, whatever the check allows."""
_NOTICED = 0.05  # seconds
_RUNS = ("active", "reloading")
_BY_CLASS = {
    "expired": (Cause.CERTIFICATE_EXPIRED, Certainty.SURE),
    "dns": (Cause.DNS, Certainty.LIKELY),
    "latency": (Cause.SLOW, Certainty.SURE),
    "readonly": (Cause.READ_ONLY, Certainty.SURE),
}


def of_check(evidence: Evidence) -> Iterator[Finding]:
    """Return what follows from the kind of the failure alone."""
    known = _BY_CLASS.get(evidence.failure_class)
    slower = _slower(evidence)
    if known is not None:
        because = evidence.message + (f"; {slower}" if known[0] is Cause.SLOW and slower else "")
        # it may be the clock that is wrong
        certainty = Certainty.LIKELY if known[0] is Cause.CERTIFICATE_EXPIRED and evidence.jumped else known[1]
        yield Finding(cause=known[0], certainty=certainty, because=because)
    elif slower:
        yield Finding(cause=Cause.SLOW, certainty=Certainty.POSSIBLE, because=slower)
    for one in evidence.needs:
        because = f"it needs {one.check}, which is bad: {one.message}"
        yield Finding(cause=Cause.DEPENDENCY_DOWN, certainty=Certainty.LIKELY, because=because)
    runs = evidence.unit is not None and evidence.unit.active_state in _RUNS
    if evidence.timed_out and runs:
        because = f"{evidence.unit.name if evidence.unit else 'it'} runs and does not answer: {evidence.message}"
        yield Finding(cause=Cause.HANG, certainty=Certainty.LIKELY, because=because)


def _slower(evidence: Evidence) -> str:
    """Say how much slower it answers than it usually does, where that is five times or more."""
    took, usual = evidence.took, evidence.usual
    if took is None or not usual or took < SLOWER * usual or took - usual < _NOTICED:
        return ""
    return f"{took / usual:.0f} times its usual {usual * 1000:.0f} ms (the median of the week before)"
