"""What people do to an incident, and what is done to reach them: pages, holds, quiet, notes."""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.incident import Told
from opsagent.core.phase import Phase
from opsagent.core.renewal import replace
from opsagent.core.story.telling import asked_anew, told_story

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident

LEASE_WARNING = timedelta(minutes=5)  # who holds an incident is reminded so long before the hold ends


@singledispatch
def follow(event: ev.Event, incident: Incident, recorded: Recorded) -> Incident:
    """Return the incident after an event of this kind; after any other, as it is."""
    del event, recorded
    return incident


@follow.register(ev.NoteAdded)
def _(event: ev.NoteAdded, incident: Incident, recorded: Recorded) -> Incident:
    return told_story(incident, recorded, f"{event.by} noted", (event.text,))


@follow.register(ev.ReportJoined)
def _(event: ev.ReportJoined, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        raised_by=incident.raised_by or event.by,
        awaits_person=incident.awaits_person or event.awaits_person,
        security=incident.security or event.security,
    )
    if event.security:  # whoever holds the first sign of a break-in has not heard of this one
        changed = replace(changed, reason=event.text, again_message="", page_again=True)
    return told_story(changed, recorded, f"{event.by} reported", (event.text,))


@follow.register(ev.LevelPaged)
def _(event: ev.LevelPaged, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        level=event.number,
        loop=event.loop,
        next_level_at=event.next_at,
        first_paged_at=incident.first_paged_at or recorded.at,
        round_begins=len(incident.told),
        page_again=False,
        owner=Phase.PAGED,
    )
    return told_story(changed, recorded, f"paged {event.level}: {event.reason}")


@follow.register(ev.NotificationQueued)
def _(event: ev.NotificationQueued, incident: Incident, recorded: Recorded) -> Incident:
    told = Told(at=recorded.at, key=event.key, level=event.level, notifier=event.notifier, kind=event.kind)
    return replace(incident, told=(*incident.told, told))


def _with_told(incident: Incident, key: str, state: str) -> Incident:
    told = tuple(replace(one, state=state) if one.key == key else one for one in incident.told)
    return replace(incident, told=told)


@follow.register(ev.NotificationSent)
def _(event: ev.NotificationSent, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return _with_told(incident, event.key, "sent")


@follow.register(ev.NotificationFailed)
def _(event: ev.NotificationFailed, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return incident if event.next_at else _with_told(incident, event.key, "failed")


@follow.register(ev.NotificationExpired)
def _(event: ev.NotificationExpired, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return _with_told(incident, event.key, "expired")


@follow.register(ev.IncidentAcknowledged)
def _(event: ev.IncidentAcknowledged, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        acknowledged_at=incident.acknowledged_at or recorded.at,
        acknowledged_by=event.by,
        ack_until=event.until,
        ack_reminded=event.until - recorded.at <= LEASE_WARNING,
        keep_repairing=event.keep_repairing,
        next_level_at=None,
        page_again=False,
        owner=Phase.ACKNOWLEDGED,
    )
    return told_story(changed, recorded, f"taken by {event.by}", (event.note,) if event.note else ())


@follow.register(ev.AckReminded)
def _(event: ev.AckReminded, incident: Incident, recorded: Recorded) -> Incident:
    del event
    near = incident.ack_until is not None and incident.ack_until - recorded.at <= LEASE_WARNING
    return replace(incident, ack_reminded=near, page_again=False)


@follow.register(ev.AckEnded)
def _(event: ev.AckEnded, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(asked_anew(incident), ack_until=None, ack_reminded=False, owner=Phase.PAGED, page_again=True)
    return told_story(changed, recorded, f"the hold of {incident.acknowledged_by} ended: {event.reason}")


@follow.register(ev.IncidentSnoozed)
def _(event: ev.IncidentSnoozed, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, snoozed_until=event.until, next_level_at=None, page_again=False)
    return told_story(changed, recorded, f"{event.by} wants quiet: {event.reason}")


@follow.register(ev.SnoozeEnded)
def _(event: ev.SnoozeEnded, incident: Incident, recorded: Recorded) -> Incident:
    del event
    changed = replace(incident, snoozed_until=None, owner=Phase.PAGED, page_again=True, level=1, loop=0)
    return told_story(changed, recorded, "the quiet ended")
