"""What the check that failed says by itself: silent, slow, an old certificate, a name that does not resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause, Certainty, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence

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
    if known is not None:
        yield Finding(cause=known[0], certainty=known[1], because=evidence.message)
    runs = evidence.unit is not None and evidence.unit.active_state in _RUNS
    if evidence.timed_out and runs:
        because = f"{evidence.unit.name if evidence.unit else 'it'} runs and does not answer: {evidence.message}"
        yield Finding(cause=Cause.HANG, certainty=Certainty.LIKELY, because=because)
