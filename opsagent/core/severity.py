"""How bad it is: from the criticality of the checks, unless the check itself knows better."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Severity, Status, worse_of
from opsagent.core.policy import SEVERITY_OF, CheckPolicy, Criticality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.health import Health

# How long a person holds an incident who does not say how long.
LEASE = {
    Severity.SEV1: timedelta(minutes=30),
    Severity.SEV2: timedelta(minutes=60),
    Severity.SEV3: timedelta(hours=4),
    Severity.SEV4: timedelta(hours=4),
}
NEVER_PAGES = ("cpu",)  # a busy processor is a finding; what it harms has checks of its own


def severity_of(pairs: Iterable[tuple[CheckPolicy, Health]]) -> Severity:
    """Return the worst severity of the failing checks; a warning is SEV4, whatever the check is worth."""
    worst = Severity.SEV4
    for check, health in pairs:
        worst = worse_of(worst, _one(check, health))
    return worst


def _one(check: CheckPolicy, health: Health) -> Severity:
    if check.kind in NEVER_PAGES or health.status is Status.WARNING:
        return Severity.SEV4
    base = SEVERITY_OF[check.criticality]
    said = health.reading.severity if health.reading else None
    return worse_of(base, said) if said else base


def blind_severity(check: CheckPolicy) -> Severity:
    """Return what it is worth that a check cannot look: a person by day if it is critical, else the digest."""
    return Severity.SEV3 if check.criticality is Criticality.CRITICAL else Severity.SEV4
