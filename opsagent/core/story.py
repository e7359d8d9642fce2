"""How one event changes an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.incident import Action, IllegalTransitionError, Incident, Moment, Told, target
from opsagent.core.observation import worse_of
from opsagent.core.phase import SILENT, Outcome, Phase, Repair
from opsagent.core.severity import LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.codec import Recorded

TIMELINE_LIMIT = 200
LEASE_WARNING = timedelta(minutes=5)  # who holds an incident is reminded so long before the hold ends


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
        checks=(event.check,),
        unit=event.unit,
        state=Phase.SUSPECT,
        failure_class=event.failure_class,
        reason=event.message,
        first_bad_at=event.first_bad_at,
        timeline=(Moment(seq=recorded.seq, at=event.first_bad_at, text=event.message),),
    )


def apply(incident: Incident, recorded: Recorded) -> Incident:
    """Return the incident as it is after this event. Raises `IllegalTransitionError`, and then nothing changed."""
    if incident.state is Phase.CLOSED:
        message = f"cannot change {incident.label or incident.key}: it is closed"
        raise IllegalTransitionError(message)
    to = target(incident.state, recorded.event)
    changed = _changed(recorded.event, incident, recorded)
    return replace(changed, state=to) if to is not incident.state else changed


@singledispatch
def _changed(event: ev.Event, incident: Incident, recorded: Recorded) -> Incident:
    del event, recorded
    return incident


def _told_story(incident: Incident, recorded: Recorded, text: str, quoted: tuple[str, ...] = ()) -> Incident:
    moment = Moment(seq=recorded.seq, at=recorded.at, text=text, quoted=quoted)
    return replace(incident, timeline=(*incident.timeline, moment)[-TIMELINE_LIMIT:])


@_changed.register(ev.IncidentConfirmed)
def _(event: ev.IncidentConfirmed, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        label=event.label,
        severity=event.severity,
        fingerprint=event.fingerprint,
        failure_class=event.failure_class,
        reason=event.reason,
        checks=event.checks,
        blind=event.blind,
        recurrence_of=event.recurrence_of,
        detected_at=recorded.at,
        owner=event.to,
    )
    return _told_story(changed, recorded, f"confirmed: {event.reason}")


@_changed.register(ev.SuspectCleared)
def _(event: ev.SuspectCleared, incident: Incident, recorded: Recorded) -> Incident:
    del event
    return replace(incident, closed_at=recorded.at)


@_changed.register(ev.CheckJoined)
def _(event: ev.CheckJoined, incident: Incident, recorded: Recorded) -> Incident:
    checks = incident.checks if event.check in incident.checks else (*incident.checks, event.check)
    return _told_story(replace(incident, checks=checks), recorded, f"{event.check}: {event.message}")


@_changed.register(ev.RecoverySeen)
def _(event: ev.RecoverySeen, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, mitigated_at=event.mitigated_at, good_since=event.mitigated_at, owner=incident.state)
    return _told_story(changed, recorded, f"good again: {event.message}")


@_changed.register(ev.Relapsed)
def _(event: ev.Relapsed, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, mitigated_at=None, good_since=None, relapses=incident.relapses + 1)
    changed = replace(changed, relapsed_at=recorded.at, again_at=recorded.at, again_message=event.message)
    changed = replace(changed, failure_class=event.failure_class or incident.failure_class)
    if incident.repair is not Repair.EXHAUSTED:
        changed = replace(changed, next_repair_at=None)  # what held the last one may be over: asked at once
    return _told_story(changed, recorded, f"bad again: {event.message}")


@_changed.register(ev.IncidentResolved)
def _(event: ev.IncidentResolved, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        resolved_at=recorded.at,
        resolved_by=event.by,
        asked_by="",
        asked_remedy="",
        exhausted=0,
        gave_up_at=None,
        page_again=False,
        repair=Repair.IDLE,
        next_repair_at=None,
        next_level_at=None,
        good_since=incident.good_since,
    )
    return _told_story(changed, recorded, f"resolved: {event.reason}")


@_changed.register(ev.IncidentReopened)
def _(event: ev.IncidentReopened, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        resolved_at=None,
        resolved_by="",
        mitigated_at=None,
        good_since=None,
        reopened=incident.reopened + 1,
        reopened_at=recorded.at,
        again_at=recorded.at,
        again_message=event.message,
        owner=event.to,
        level=0,
        loop=0,
        next_level_at=None,
        failure_class=event.failure_class or incident.failure_class,
    )
    return _told_story(changed, recorded, f"reopened: {event.message}")


@_changed.register(ev.IncidentClosed)
def _(event: ev.IncidentClosed, incident: Incident, recorded: Recorded) -> Incident:
    del event
    return replace(incident, closed_at=recorded.at)


@_changed.register(ev.IncidentWithdrawn)
def _(event: ev.IncidentWithdrawn, incident: Incident, recorded: Recorded) -> Incident:
    return _told_story(replace(incident, closed_at=recorded.at), recorded, f"withdrawn: {event.reason}")


@_changed.register(ev.SeverityRaised)
def _(event: ev.SeverityRaised, incident: Incident, recorded: Recorded) -> Incident:
    """Who holds it is told, and holds it for no longer than what it has become allows."""
    severity = worse_of(event.to, incident.severity) if incident.severity else event.to
    told = incident.level > 0 or incident.state is Phase.ACKNOWLEDGED
    until = incident.ack_until and min(incident.ack_until, recorded.at + LEASE[severity])
    changed = replace(incident, severity=severity, page_again=incident.page_again or told, ack_until=until)
    return _told_story(changed, recorded, f"{severity}: {event.reason}")


@_changed.register(ev.SuppressionChanged)
def _(event: ev.SuppressionChanged, incident: Incident, recorded: Recorded) -> Incident:
    """Who was paged and then kept quiet is told again when the quiet ends, and nobody has taken it.

    What it fell with stays in its record, also when it is looked at in its own right again.
    """
    parent = event.parent if event.by == "parent" else incident.parent
    heard = incident.suppressed_by in SILENT and event.by not in SILENT
    again = incident.page_again or (heard and incident.level > 0 and incident.state is Phase.PAGED)
    changed = replace(asked_anew(incident), suppressed_by=event.by, parent=parent, page_again=again)
    return _told_story(changed, recorded, event.reason)


@_changed.register(ev.CauseFound)
def _(event: ev.CauseFound, incident: Incident, recorded: Recorded) -> Incident:
    return _told_story(replace(incident, cause=event.cause), recorded, f"cause: {event.reason}")


@_changed.register(ev.EvidenceGathered)
def _(event: ev.EvidenceGathered, incident: Incident, recorded: Recorded) -> Incident:
    return _told_story(incident, recorded, f"evidence: {event.source}", event.lines)


@_changed.register(ev.NoteAdded)
def _(event: ev.NoteAdded, incident: Incident, recorded: Recorded) -> Incident:
    return _told_story(incident, recorded, f"{event.by} noted", (event.text,))


@_changed.register(ev.RepairMoved)
def _(event: ev.RepairMoved, incident: Incident, recorded: Recorded) -> Incident:
    spent = incident.exhausted + (event.to is Repair.EXHAUSTED)
    same = (event.to, event.reason) == (incident.repair, incident.repair_reason)
    changed = replace(
        incident,
        repair=event.to,
        next_repair_at=event.next_at,
        repair_reason=event.reason,
        asked_again=incident.asked_again + 1 if same else 0,
        exhausted=spent,
        gave_up_at=recorded.at if event.to is Repair.EXHAUSTED else incident.gave_up_at,
    )
    return changed if same else _told_story(changed, recorded, f"repair {event.to}: {event.reason}")


@_changed.register(ev.RepairAsked)
def _(event: ev.RepairAsked, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, asked_by=event.by, asked_remedy=event.remedy, next_repair_at=None)
    return _told_story(changed, recorded, f"{event.by} asks for a repair: {event.because}")


@_changed.register(ev.ActionRequested)
def _(event: ev.ActionRequested, incident: Incident, recorded: Recorded) -> Incident:
    action = Action(
        seq=recorded.seq,
        at=recorded.at,
        remedy=event.remedy,
        unit=event.unit,
        also=event.also,
        attempt=event.attempt,
        outcome=Outcome.RUNNING,
        reason=event.reason,
        before=event.invocation_id,
        by=event.by,
    )
    changed = replace(
        incident,
        repair=Repair.RUNNING,
        next_repair_at=None,
        actions=(*incident.actions, action),
        asked_by="",
        asked_remedy="",
    )
    return _told_story(changed, recorded, f"{event.remedy} {event.unit} (attempt {event.attempt}): {event.reason}")


@_changed.register(ev.ActionEnded)
def _(event: ev.ActionEnded, incident: Incident, recorded: Recorded) -> Incident:
    def ended(action: Action) -> Action:
        # Why it was asked for is of no use any more when somebody said no: why they did is.
        reason = event.reason if event.result == "refused" else action.reason
        return replace(
            action,
            seconds=event.seconds,
            ended_at=recorded.at,
            result=event.result,
            after=event.invocation_id,
            reason=reason,
        )

    changed = replace(_with_action(incident, event.action, ended), repair=Repair.VERIFYING)
    return _told_story(changed, recorded, f"order {event.result} after {event.seconds:.2f} s: {event.reason}")


@_changed.register(ev.ActionJudged)
def _(event: ev.ActionJudged, incident: Incident, recorded: Recorded) -> Incident:
    def judged(action: Action) -> Action:
        return replace(action, outcome=Outcome(event.outcome), reason=event.reason)

    changed = replace(_with_action(incident, event.action, judged), repair=Repair.IDLE)
    if event.outcome == Outcome.VERIFIED:
        changed = replace(changed, exhausted=0, gave_up_at=None)
    return _told_story(changed, recorded, f"{event.outcome}: {event.reason}")


@_changed.register(ev.ActionRefused)
def _(event: ev.ActionRefused, incident: Incident, recorded: Recorded) -> Incident:
    action = Action(
        seq=recorded.seq,
        at=recorded.at,
        remedy=event.remedy,
        unit=event.unit,
        outcome=Outcome.REFUSED,
        guard=event.guard,
        reason=event.reason,
    )
    changed = replace(incident, actions=(*incident.actions, action), asked_by="", asked_remedy="")
    return _told_story(changed, recorded, f"not repaired: {event.reason}")


@_changed.register(ev.LevelPaged)
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
    return _told_story(changed, recorded, f"paged {event.level}: {event.reason}")


@_changed.register(ev.NotificationQueued)
def _(event: ev.NotificationQueued, incident: Incident, recorded: Recorded) -> Incident:
    told = Told(at=recorded.at, key=event.key, level=event.level, notifier=event.notifier, kind=event.kind)
    return replace(incident, told=(*incident.told, told))


def _with_told(incident: Incident, key: str, state: str) -> Incident:
    told = tuple(replace(one, state=state) if one.key == key else one for one in incident.told)
    return replace(incident, told=told)


@_changed.register(ev.NotificationSent)
def _(event: ev.NotificationSent, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return _with_told(incident, event.key, "sent")


@_changed.register(ev.NotificationFailed)
def _(event: ev.NotificationFailed, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return incident if event.next_at else _with_told(incident, event.key, "failed")


@_changed.register(ev.NotificationExpired)
def _(event: ev.NotificationExpired, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return _with_told(incident, event.key, "expired")


@_changed.register(ev.IncidentAcknowledged)
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
    return _told_story(changed, recorded, f"taken by {event.by}", (event.note,) if event.note else ())


@_changed.register(ev.AckReminded)
def _(event: ev.AckReminded, incident: Incident, recorded: Recorded) -> Incident:
    del event
    near = incident.ack_until is not None and incident.ack_until - recorded.at <= LEASE_WARNING
    return replace(incident, ack_reminded=near, page_again=False)


@_changed.register(ev.AckEnded)
def _(event: ev.AckEnded, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(asked_anew(incident), ack_until=None, ack_reminded=False, owner=Phase.PAGED, page_again=True)
    return _told_story(changed, recorded, f"the hold of {incident.acknowledged_by} ended: {event.reason}")


@_changed.register(ev.IncidentSnoozed)
def _(event: ev.IncidentSnoozed, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, snoozed_until=event.until, next_level_at=None, page_again=False)
    return _told_story(changed, recorded, f"{event.by} wants quiet: {event.reason}")


@_changed.register(ev.SnoozeEnded)
def _(event: ev.SnoozeEnded, incident: Incident, recorded: Recorded) -> Incident:
    del event
    changed = replace(incident, snoozed_until=None, owner=Phase.PAGED, page_again=True, level=1, loop=0)
    return _told_story(changed, recorded, "the quiet ended")


@_changed.register(ev.PatternSeen)
def _(event: ev.PatternSeen, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return replace(incident, archived=event.resolution)


def asked_anew(incident: Incident) -> Incident:
    """Let a repair that was held back be asked about at once: what held it may be over."""
    held = incident.repair in (Repair.HELD, Repair.WAITING)
    return replace(incident, next_repair_at=None, asked_again=0) if held else incident


def _with_action(incident: Incident, seq: int, change: Callable[[Action], Action]) -> Incident:
    return replace(incident, actions=tuple(change(a) if a.seq == seq else a for a in incident.actions))
