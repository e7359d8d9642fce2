"""What its own course does to an incident: believed, good again, bad again, over; and what was found beside it."""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import phrase
from opsagent.core.observation import worse_of
from opsagent.core.occurrence import healed_by, occurrence
from opsagent.core.phase import SILENT, Phase, Repair
from opsagent.core.renewal import replace
from opsagent.core.severity import LEASE
from opsagent.core.story.telling import asked_anew, told_story
from opsagent.core.traces import trace_in

if TYPE_CHECKING:
    from collections.abc import Sized

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident

NAMED = 3  # changes, or checks, that one line of the story names
TIME_TO_START = timedelta(seconds=60)  # what an operator has just started may still be bad for so long


@singledispatch
def follow(event: ev.Event, incident: Incident, recorded: Recorded) -> Incident:
    """Return the incident after an event of this kind; after any other, as it is."""
    del event, recorded
    return incident


@follow.register(ev.IncidentConfirmed)
def _(event: ev.IncidentConfirmed, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        label=event.label,
        severity=event.severity,
        fingerprint=event.fingerprint,
        alias=event.fingerprint,
        failure_class=event.failure_class,
        reason=event.reason,
        checks=event.checks,
        blind=event.blind,
        recurrence_of=event.recurrence_of,
        detected_at=recorded.at,
        owner=event.to,
    )
    believed = told_story(changed, recorded, f"confirmed: {event.reason}")
    if event.scope is None:
        return believed
    needed = f"{', '.join(event.scope[:NAMED])}{_more(event.scope)} need it" if event.scope else ""
    return told_story(believed, recorded, f"taken up by opsagent; {needed or 'nothing else that is watched needs it'}")


def _more(names: Sized) -> str:
    return f" and {len(names) - NAMED} more" if len(names) > NAMED else ""


@follow.register(ev.SuspectCleared)
def _(event: ev.SuspectCleared, incident: Incident, recorded: Recorded) -> Incident:
    del event
    return replace(incident, closed_at=recorded.at)


@follow.register(ev.CheckJoined)
def _(event: ev.CheckJoined, incident: Incident, recorded: Recorded) -> Incident:
    """From here on a check sees it too: its looks say when it is over."""
    checks = incident.checks if event.check in incident.checks else (*incident.checks, event.check)
    changed = replace(incident, checks=checks, awaits_person=False)
    return told_story(changed, recorded, f"{event.check}: {event.message}")


@follow.register(ev.RecoverySeen)
def _(event: ev.RecoverySeen, incident: Incident, recorded: Recorded) -> Incident:
    """What was asked for or suggested while it was bad is not wanted any more."""
    changed = replace(
        incident,
        mitigated_at=event.mitigated_at,
        good_since=event.mitigated_at,
        owner=incident.state,
        asked_by="",
        asked_remedy="",
        asked_at=None,
        suggestion=None,
    )
    return told_story(changed, recorded, f"good again: {event.message}")


@follow.register(ev.Relapsed)
def _(event: ev.Relapsed, incident: Incident, recorded: Recorded) -> Incident:
    helped = healed_by(incident) is not None  # else it was never over
    changed = replace(incident, mitigated_at=None, good_since=None, relapses=incident.relapses + 1)
    changed = replace(changed, earlier=(*incident.earlier, occurrence(incident))) if helped else changed
    changed = replace(changed, relapsed_at=recorded.at, again_at=recorded.at, again_message=event.message)
    changed = _failing_as(changed, event.failure_class)
    if incident.repair is not Repair.EXHAUSTED:
        changed = replace(changed, next_repair_at=None)  # what held the last one may be over: asked at once
    return told_story(changed, recorded, f"bad again: {event.message}")


@follow.register(ev.IncidentResolved)
def _(event: ev.IncidentResolved, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        resolved_at=recorded.at,
        resolved_by=event.by,
        proof=event.proof,
        asked_by="",
        asked_remedy="",
        asked_at=None,
        suggestion=None,
        exhausted=0,
        gave_up_at=None,
        page_again=False,
        repair=Repair.IDLE,
        next_repair_at=None,
        next_level_at=None,
        good_since=incident.good_since,
    )
    return told_story(changed, recorded, f"resolved: {event.reason}")


@follow.register(ev.IncidentReopened)
def _(event: ev.IncidentReopened, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        resolved_at=None,
        resolved_by="",
        mitigated_at=None,
        good_since=None,
        earlier=(*incident.earlier, occurrence(incident)),
        reopened=incident.reopened + 1,
        reopened_at=recorded.at,
        again_at=recorded.at,
        again_message=event.message,
        owner=event.to,
        level=0,
        loop=0,
        next_level_at=None,
    )
    return told_story(_failing_as(changed, event.failure_class), recorded, f"reopened: {event.message}")


def _failing_as(incident: Incident, failure_class: str | None) -> Incident:
    """Return the incident as it fails now; what fails in another way than before has another cause and pattern.

    That none was found, and the words with which its log ended then, say nothing of this time.
    """
    if not failure_class or failure_class == incident.failure_class:
        return incident if incident.cause else replace(incident, because="", other_causes=())
    gone = replace(incident, failure_class=failure_class, cause=None, because="", certainty="", other_causes=())
    return replace(
        gone, cause_port=0, cause_path="", cause_owner="", cause_at=None, fingerprint=incident.alias, pattern=""
    )


@follow.register(ev.IncidentClosed)
def _(event: ev.IncidentClosed, incident: Incident, recorded: Recorded) -> Incident:
    del event
    return replace(incident, closed_at=recorded.at)


@follow.register(ev.IncidentWithdrawn)
def _(event: ev.IncidentWithdrawn, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, closed_at=recorded.at, repair=Repair.IDLE, next_repair_at=None, next_level_at=None)
    return told_story(changed, recorded, f"withdrawn: {event.reason}")


@follow.register(ev.SeverityRaised)
def _(event: ev.SeverityRaised, incident: Incident, recorded: Recorded) -> Incident:
    """Who holds it is told, and holds it for no longer than what it has become allows."""
    severity = worse_of(event.to, incident.severity) if incident.severity else event.to
    told = incident.level > 0 or incident.state is Phase.ACKNOWLEDGED
    until = incident.ack_until and min(incident.ack_until, recorded.at + LEASE[severity])
    changed = replace(incident, severity=severity, page_again=incident.page_again or told, ack_until=until)
    return told_story(changed, recorded, f"{severity}: {event.reason}")


@follow.register(ev.SuppressionChanged)
def _(event: ev.SuppressionChanged, incident: Incident, recorded: Recorded) -> Incident:
    """Who was paged and then kept quiet is told again when the quiet ends, and nobody has taken it.

    Not at once where an operator has just started it: who stops and starts a unit is at work on it.
    What it fell with stays in its record, also when it is looked at in its own right again.
    """
    parent = event.parent if event.by == "parent" else incident.parent
    heard = incident.suppressed_by in SILENT and event.by not in SILENT
    started = heard and incident.suppressed_by == "operator_stop"
    again = incident.page_again or (heard and not started and incident.level > 0 and incident.state is Phase.PAGED)
    changed = replace(asked_anew(incident), suppressed_by=event.by, parent=parent, page_again=again)
    if started and changed.next_level_at is not None:
        changed = replace(changed, next_level_at=max(changed.next_level_at, recorded.at + TIME_TO_START))
    return told_story(changed, recorded, event.reason)


def _by_cause(incident: Incident, cause: str) -> str:
    """What has the same cause is the same failure, whether it was seen as dead or as refused."""
    kind, _, _ = incident.fingerprint.rpartition("|")
    return f"{kind}|{cause}" if kind else incident.fingerprint


@follow.register(ev.CauseFound)
def _(event: ev.CauseFound, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        cause=event.cause,
        because=event.reason,
        certainty=event.certainty,
        other_causes=event.others,
        cause_port=event.port,
        cause_path=event.path,
        cause_owner=event.owner,
        cause_at=recorded.at,
        fingerprint=_by_cause(incident, event.cause),
    )
    return told_story(changed, recorded, f"{event.certainty} cause: {event.reason}", event.others)


@follow.register(ev.NoCauseFound)
def _(event: ev.NoCauseFound, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, because=event.reason, other_causes=event.others)
    return told_story(changed, recorded, event.reason, event.others)


@follow.register(ev.EvidenceGathered)
def _(event: ev.EvidenceGathered, incident: Incident, recorded: Recorded) -> Incident:
    trace = incident.traceback or (trace_in(event.lines) if event.source == "log" else "")
    changed = replace(incident, traceback=trace)
    return told_story(changed, recorded, f"evidence: {event.source}", event.lines)


@follow.register(ev.TicketOpened)
def _(event: ev.TicketOpened, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, ticket=event.reason)
    return told_story(changed, recorded, f"needs a change of code: {event.reason}")


@follow.register(ev.PlaybookMatched)
def _(event: ev.PlaybookMatched, incident: Incident, recorded: Recorded) -> Incident:
    """What is not run is told at once, for a person; what is run becomes evidence."""
    left = tuple(
        f"{number}. {step.text}: for a person, {step.left}"
        for number, step in enumerate(event.steps, start=1)
        if step.left
    )
    changed = replace(incident, playbook=event.section)
    return told_story(changed, recorded, f"playbook: {event.section} ({event.reason})", left)


@follow.register(ev.PatternWritten)
def _(event: ev.PatternWritten, incident: Incident, recorded: Recorded) -> Incident:
    said = f"not known before: written down as pattern {event.slug}, for you to correct"
    return told_story(replace(incident, pattern=event.slug), recorded, said)


@follow.register(ev.PatternMatched)
def _(event: ev.PatternMatched, incident: Incident, recorded: Recorded) -> Incident:
    said = f"known before: {event.title} ({event.slug}, by {event.because})" if event.slug else event.because
    return told_story(replace(incident, pattern=event.slug), recorded, said, event.refused)


@follow.register(ev.ChangesRecalled)
def _(event: ev.ChangesRecalled, incident: Incident, recorded: Recorded) -> Incident:
    news = [one for one in event.changes if one not in incident.changes]
    changed = replace(incident, changes=event.changes, nearness=event.nearness, after_change=event.own)
    said = "; ".join(phrase(one) for one in news[:NAMED])
    return told_story(changed, recorded, f"changed before: {said}{_more(news)}")


@follow.register(ev.PatternSeen)
def _(event: ev.PatternSeen, incident: Incident, recorded: Recorded) -> Incident:
    del recorded
    return replace(incident, archived=event.resolution)
