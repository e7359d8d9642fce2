"""Asking a person whether a repair may go out, and what becomes of the question."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.budget import slow_retry_at
from opsagent.core.choice import choose
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Mode
from opsagent.core.report.clock import hhmm
from opsagent.core.suggestion import LASTS
from opsagent.core.suppression import may_reach
from opsagent.core.timing import spoken
from opsagent.core.trust import effective
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.guards import Case
    from opsagent.core.incident import Incident
    from opsagent.core.suggestion import Suggestion

ASK_LATER = timedelta(minutes=5)
ASKS_LATER = "people are asked before it as soon as they may be told"


def suggested(case: Case) -> list[Draft]:
    """Return the question about an action that only its mode holds back: asked once, and only of whom it may reach."""
    incident, now = case.incident, case.world.now
    known = incident.suggestion
    if known is not None and known.is_open(now) and (known.remedy, known.unit) == (case.rule.label, case.unit):
        return [_waits(case.world, incident, known)]
    if incident.state is Phase.SNOOZED or not may_reach(case.world, incident):
        moved = ev.RepairMoved(to=Repair.HELD, reason=ASKS_LATER, next_at=now + ASK_LATER)
        return [Draft(event=moved, incident=incident.seq)]
    choice = choose(case.world, incident, case.check)
    because = "" if choice.is_blind else f"{choice.sentence}; "
    event = ev.RepairSuggested(
        remedy=case.rule.label,
        unit=case.unit,
        also=case.touched[1:],
        until=now + LASTS,
        reason=f"{incident.again_message or incident.reason}; {because}{case.mode.because}",
        choice=choice.sentence,
    )
    return [Draft(event=event, incident=incident.seq), _waits(case.world, incident, event)]


def _waits(world: World, incident: Incident, asked: ev.RepairSuggested | Suggestion) -> Draft:
    until = f"{hhmm(asked.until, world.policy.zone)} {world.policy.zone}"
    reason = f"{asked.remedy} of {asked.unit} waits for a person until {until}: opsagent approve {incident.label}"
    return Draft(event=ev.RepairMoved(to=Repair.WAITING, reason=reason, next_at=asked.until), incident=incident.seq)


def expired(world: World) -> list[Draft]:
    """End a question that nobody answered; from then on it is as if no try were left, and asked again ever later."""
    for incident in world.state.open_incidents:
        asked = incident.suggestion
        if asked is None or asked.expired or asked.until > world.now:
            continue
        reason = f"nobody approved {asked.remedy} of {asked.unit} within {spoken(LASTS)}"
        over = ev.SuggestionExpired(remedy=asked.remedy, unit=asked.unit, reason=reason)
        moved = ev.RepairMoved(to=Repair.EXHAUSTED, reason=reason, next_at=slow_retry_at(world, incident))
        return [Draft(event=one, incident=incident.seq) for one in (over, moved)]
    return []


def asks_soon(world: World, incident: Incident) -> bool:
    """Whether a question comes before a page: it only waited for the hour at which people may be told."""
    due = incident.next_repair_at
    return incident.repair_reason == ASKS_LATER and due is not None and world.now < due + ASK_LATER


def unfit(world: World, incident: Incident, remedy: str) -> str:
    """Say why nothing can be approved now, or ""."""
    asked = incident.suggestion
    if asked is None:
        return f"cannot approve {incident.label}: nothing is suggested for it; see: opsagent why {incident.label}"
    if not asked.is_open(world.now):
        until = f"{hhmm(asked.until, world.policy.zone)} {world.policy.zone}"
        hint = f"to order it now: opsagent repair {incident.check}"
        return f"cannot approve {asked.remedy} of {asked.unit}: the suggestion expired {until}; {hint}"
    if remedy not in ("", asked.remedy):
        return f"cannot approve {remedy}: what is suggested is {asked.remedy} of {asked.unit}"
    no = _forbidden(world, incident, asked)
    return f"cannot approve {asked.remedy} of {asked.unit}: {no}" if no else ""


def _forbidden(world: World, incident: Incident, asked: Suggestion) -> str:
    """Say what newer settings have against it."""
    rules = [
        (check, rule) for check in world.checks_of(incident) for rule in check.repair if rule.label == asked.remedy
    ]
    modes = [effective(world.state, world.policy, *one) for one in rules]
    if any(found.mode is not Mode.OBSERVE for found in modes):
        return ""
    return modes[0].because if modes else "the settings no longer allow it"
