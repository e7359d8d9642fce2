"""The lane of security: what such a check finds is an incident for people at once, and never anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.incident import OURSELVES
from opsagent.core.observation import Severity, Status
from opsagent.core.raising import Report, reported

if TYPE_CHECKING:
    from opsagent.core.observation import Observation
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import Draft, World

LANE = "/security"
"""Added to a check's name it is the open key of what it found: its good looks say nothing of that."""


def lane(check: CheckPolicy) -> str:
    """Return the open key of what a check of security found."""
    return check.name + LANE


def alarmed(world: World, check: CheckPolicy, seen: Observation) -> list[Draft]:
    """Return what follows from one look: an incident that only a person ends, or its words beside the one there is."""
    if not check.security or seen.reading.status is not Status.CRITICAL:
        return []
    report = Report(
        text=seen.reading.message,
        by=OURSELVES,
        about=check.name,
        key=lane(check),
        severity=Severity.SEV1,
        security=True,
        kind=check.kind,
        failure_class=seen.reading.failure_class or "alarm",
        since=seen.at,
    )
    return reported(world, report)[0]
