"""What repairs do to an incident: where they stand, what was ordered, what came of it."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.acts import TELLING
from opsagent.core.incident import Action
from opsagent.core.phase import Outcome, Repair
from opsagent.core.renewal import replace
from opsagent.core.signs import in_words
from opsagent.core.story.telling import told_story
from opsagent.core.suggestion import Suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident


@singledispatch
def follow(event: ev.Event, incident: Incident, recorded: Recorded) -> Incident:
    """Return the incident after an event of this kind; after any other, as it is."""
    del event, recorded
    return incident


@follow.register(ev.RepairMoved)
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
    return changed if same else told_story(changed, recorded, f"repair {event.to}: {event.reason}")


@follow.register(ev.RepairAsked)
def _(event: ev.RepairAsked, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(incident, asked_by=event.by, asked_remedy=event.remedy, asked_at=recorded.at, next_repair_at=None)
    return told_story(changed, recorded, f"{event.by} asks for a repair{f': {event.because}' if event.because else ''}")


@follow.register(ev.ActionRequested)
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
        name=event.act,
        mode=event.mode,
        running=event.running,
    )
    changed = replace(
        incident,
        choice=event.choice,
        repair=Repair.RUNNING,
        next_repair_at=None,
        actions=(*incident.actions, action),
        asked_by="",
        asked_remedy="",
        asked_at=None,
        suggestion=None,
    )
    return told_story(changed, recorded, f"{event.remedy} {event.unit} (attempt {event.attempt}): {event.reason}")


@follow.register(ev.ActionEnded)
def _(event: ev.ActionEnded, incident: Incident, recorded: Recorded) -> Incident:
    def ended(action: Action) -> Action:
        # Why it was asked for is of no use any more when somebody said no: why they did is.
        did = event.reason if action.remedy in TELLING else ""
        reason = event.reason if event.result == "refused" or did else action.reason
        return replace(
            action,
            seconds=event.seconds,
            ended_at=recorded.at,
            result=event.result,
            after=event.invocation_id,
            reason=reason,
            did=did,
        )

    changed = replace(_with_action(incident, event.action, ended), repair=Repair.VERIFYING)
    return told_story(changed, recorded, f"order {event.result} after {event.seconds:.2f} s: {event.reason}")


@follow.register(ev.ActionJudged)
def _(event: ev.ActionJudged, incident: Incident, recorded: Recorded) -> Incident:
    def judged(action: Action) -> Action:
        reason = f"{action.did}; {event.reason}" if action.did not in ("", event.reason) else event.reason
        return replace(action, outcome=Outcome(event.outcome), reason=reason)

    changed = replace(_with_action(incident, event.action, judged), repair=Repair.IDLE)
    if event.outcome == Outcome.VERIFIED:
        changed = replace(changed, exhausted=0, gave_up_at=None)
    return told_story(changed, recorded, f"{event.outcome}: {event.reason}")


@follow.register(ev.ActionRefused)
def _(event: ev.ActionRefused, incident: Incident, recorded: Recorded) -> Incident:
    action = Action(
        seq=recorded.seq,
        at=recorded.at,
        remedy=event.remedy,
        unit=event.unit,
        outcome=Outcome.REFUSED,
        guard=event.guard,
        reason=event.reason,
        name=event.act,
    )
    changed = replace(incident, actions=(*incident.actions, action), asked_by="", asked_remedy="", asked_at=None)
    return told_story(changed, recorded, f"not repaired: {event.reason}")


@follow.register(ev.ChronicHealing)
def _(event: ev.ChronicHealing, incident: Incident, recorded: Recorded) -> Incident:
    """What is known of them by now is told from here on."""
    changed = replace(incident, signs=event.signs, repairs=event.lines, reason=event.said, again_message="")
    if event.cause:
        because = f"most of its repairs were for: {in_words(event.cause)}"
        changed = replace(changed, cause=event.cause, because=because, certainty="likely")
    return told_story(changed, recorded, event.said)


@follow.register(ev.RepairSuggested)
def _(event: ev.RepairSuggested, incident: Incident, recorded: Recorded) -> Incident:
    asked = Suggestion(
        remedy=event.remedy,
        unit=event.unit,
        also=event.also,
        asked_at=recorded.at,
        until=event.until,
        reason=event.reason,
    )
    changed = replace(incident, suggestion=asked, choice=event.choice, asked_by="", asked_remedy="", asked_at=None)
    return told_story(changed, recorded, f"suggested {event.remedy} of {event.unit}: {event.reason}")


@follow.register(ev.RepairApproved)
def _(event: ev.RepairApproved, incident: Incident, recorded: Recorded) -> Incident:
    changed = replace(
        incident,
        suggestion=None,
        asked_by=event.by,
        asked_remedy=event.remedy,
        asked_at=recorded.at,
        next_repair_at=None,
    )
    return told_story(changed, recorded, f"{event.by} approves {event.remedy} of {event.unit}")


@follow.register(ev.SuggestionExpired)
def _(event: ev.SuggestionExpired, incident: Incident, recorded: Recorded) -> Incident:
    over = incident.suggestion and replace(incident.suggestion, expired=True)
    return told_story(replace(incident, suggestion=over), recorded, event.reason)


def _with_action(incident: Incident, seq: int, change: Callable[[Action], Action]) -> Incident:
    return replace(incident, actions=tuple(change(a) if a.seq == seq else a for a in incident.actions))
