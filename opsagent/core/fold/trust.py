"""How far each remedy may go: what it earned, what people gave and took, what was lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import all_asked_anew, folded, without
from opsagent.core.phase import Outcome
from opsagent.core.policy import Mode
from opsagent.core.renewal import replace
from opsagent.core.trust import Standing, name_of, standing

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


def counted(state: State, event: ev.ActionJudged, recorded: Recorded) -> State:
    """Count an approved repair that worked; one that did not begins the count anew."""
    incident = state.incidents.get(recorded.incident or 0)
    action = next((one for one in incident.actions if one.seq == event.action), None) if incident else None
    if incident is None or action is None or action.mode != Mode.SUGGEST:
        return state
    one = standing(state, incident.key, action.label)
    if event.outcome == Outcome.VERIFIED:
        return _with(state, replace(one, worked=one.worked + 1))
    tried_in_vain = event.outcome in (Outcome.FAILED, Outcome.RELAPSED)
    return _with(state, replace(one, worked=0, offered_at=None)) if tried_in_vain else state


def _with(state: State, one: Standing) -> State:
    return replace(state, standings={**state.standings, name_of(one.key, one.remedy): one})


@folded.register(ev.TrustEarned)
def _(event: ev.TrustEarned, state: State, recorded: Recorded) -> State:
    return _with(state, replace(standing(state, event.key, event.remedy), offered_at=recorded.at))


@folded.register(ev.TrustGiven)
def _(event: ev.TrustGiven, state: State, recorded: Recorded) -> State:
    """What waits for a word about this remedy has it now."""
    one = replace(
        standing(state, event.key, event.remedy),
        trusted_at=recorded.at,
        trusted_by=event.by,
        because=event.because,
        command=event.command,
        lowered_at=None,
        lowered_by="",
        lowered_because="",
    )
    return replace(_with(state, one), incidents=all_asked_anew(state))


@folded.register(ev.TrustRevoked)
def _(event: ev.TrustRevoked, state: State, recorded: Recorded) -> State:
    said = event.because or "trust taken back"
    lowered = Standing(
        key=event.key, remedy=event.remedy, lowered_at=recorded.at, lowered_by=event.by, lowered_because=said
    )
    return _with(state, lowered)


@folded.register(ev.RemedyLowered)
def _(event: ev.RemedyLowered, state: State, recorded: Recorded) -> State:
    lowered = Standing(key=event.key, remedy=event.remedy, lowered_at=recorded.at, lowered_because=event.reason)
    return _with(state, lowered)


@folded.register(ev.TrustForgotten)
def _(event: ev.TrustForgotten, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, standings=without(state.standings, name_of(event.key, event.remedy)))
