"""One spell of trouble as it is remembered: what ended it, and how long that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.incident import By, Occurrence
from opsagent.core.phase import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.incident import Action, Incident


def occurrence(incident: Incident) -> Occurrence:
    """Return the present spell of an incident, as it stands at its end."""
    begun, good_at, helped = incident.began, incident.mitigated_at, healed_by(incident)
    by, name = (By.REMEDY, helped.label) if helped else _without_a_remedy(incident)
    return Occurrence(
        at=begun,
        fingerprint=incident.fingerprint,
        alias=incident.alias,
        by=by,
        name=name,
        lasted=_seconds(begun, good_at),
        took=_seconds(helped.at if helped else begun, good_at),
    )


def healed_by(incident: Incident) -> Action | None:
    """Return the action that ended the present spell, if one did: what helped before it does not count."""
    last = next(reversed(incident.tried), None)
    helped = last is not None and last.outcome is Outcome.VERIFIED and last.at >= incident.began
    return last if helped else None


def _seconds(begun: datetime, good_at: datetime | None) -> float | None:
    return None if good_at is None else max(0.0, (good_at - begun).total_seconds())


def _without_a_remedy(incident: Incident) -> tuple[By, str]:
    """Whoever had taken this spell, or says that it is over, is taken for the one who ended it."""
    holds = (at for at in (incident.acknowledged_at, incident.ack_until) if at is not None)
    taken = any(at >= incident.began for at in holds)
    person = incident.resolved_by or (incident.acknowledged_by if taken else "")
    if person:
        return By.PERSON, person
    return (By.ROOT, "") if incident.parent is not None else (By.UNKNOWN, "")
