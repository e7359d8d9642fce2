"""How one event changes an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.incident import IllegalTransitionError, Incident, Moment, target
from opsagent.core.phase import Phase
from opsagent.core.renewal import replace
from opsagent.core.story import incidents, people, repairs
from opsagent.core.story.people import LEASE_WARNING
from opsagent.core.story.telling import asked_anew, told_story

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded

__all__ = ["DELIVERY", "LEASE_WARNING", "apply", "asked_anew", "opened", "told_story"]

DELIVERY = (ev.NotificationSent, ev.NotificationFailed, ev.NotificationExpired)
"""What becomes of a message; it may be known only after its incident was closed."""


def opened(recorded: Recorded) -> Incident:
    """Return the incident that this first bad look begins."""
    event = recorded.event
    if not isinstance(event, ev.IncidentSuspected):
        message = f"cannot open an incident with {type(event).__name__}"
        raise IllegalTransitionError(message)
    return Incident(
        seq=recorded.seq,
        key=event.key,
        check=event.check,
        checks=() if event.raised_by else (event.check,),
        unit=event.unit,
        state=Phase.SUSPECT,
        failure_class=event.failure_class,
        reason=event.message,
        first_bad_at=event.first_bad_at,
        raised_by=event.raised_by,
        awaits_person=bool(event.raised_by),
        security=event.security,
        timeline=(Moment(seq=recorded.seq, at=event.first_bad_at, text=event.message),),
    )


def apply(incident: Incident, recorded: Recorded) -> Incident:
    """Return the incident as it is after this event. Raises `IllegalTransitionError`, and then nothing changed."""
    if incident.state is Phase.CLOSED and not isinstance(recorded.event, DELIVERY):
        message = f"cannot change {incident.label or incident.key}: it is closed"
        raise IllegalTransitionError(message)
    to = target(incident.state, recorded.event)
    changed = incident
    for part in (incidents, repairs, people):  # each knows events of its own
        changed = part.follow(recorded.event, changed, recorded)
    return replace(changed, state=to) if to is not incident.state else changed
