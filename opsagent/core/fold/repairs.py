"""What was ordered, what became of it, and what was healed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import KEEP_PAST, folded, without
from opsagent.core.fold.trust import counted
from opsagent.core.phase import Outcome
from opsagent.core.renewal import replace
from opsagent.core.state import Attempt, Heal, OwnStop

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

KEEP_ATTEMPTS = timedelta(hours=24)
KEEP_HEALS = 100
"""Repairs that are kept of one unit."""


@folded.register(ev.ActionRequested)
def _(event: ev.ActionRequested, state: State, recorded: Recorded) -> State:
    attempt = Attempt(
        action=recorded.seq,
        incident=recorded.incident or 0,
        unit=event.unit,
        also=event.also,
        at=recorded.at,
        remedy=event.remedy,
    )
    kept = tuple(a for a in state.attempts if recorded.at - a.at < KEEP_ATTEMPTS)
    stops = state.own_stops
    if event.remedy == "stop":
        stops = {**stops, event.unit: OwnStop(at=recorded.at, incident=recorded.incident or 0)}
    return replace(state, attempts=(*kept, attempt), own_stops=stops)


@folded.register(ev.ActionEnded)
def _(event: ev.ActionEnded, state: State, recorded: Recorded) -> State:
    attempts = tuple(replace(a, ended_at=recorded.at) if a.action == event.action else a for a in state.attempts)
    incident = state.incidents.get(recorded.incident or 0)
    action = next((a for a in incident.actions if a.seq == event.action), None) if incident else None
    in_vain = action is not None and action.remedy == "stop" and event.result not in ("done", "unknown")
    stops = without(state.own_stops, action.unit) if action is not None and in_vain else state.own_stops
    return replace(state, attempts=attempts, own_stops=stops)


@folded.register(ev.ActionJudged)
def _(event: ev.ActionJudged, state: State, recorded: Recorded) -> State:
    state = counted(state, event, recorded)
    done = event.outcome == Outcome.VERIFIED
    attempts = tuple(replace(a, verified=done) if a.action == event.action else a for a in state.attempts)
    attempt = next((a for a in attempts if a.action == event.action), None)
    if not done or attempt is None:
        return replace(state, attempts=attempts)
    heal = _heal(state, attempt, recorded.at)
    oldest = recorded.at - KEEP_PAST
    kept = [h for h in state.heals if h.at > oldest]
    spare = [h for h in kept if h.unit == heal.unit][: -KEEP_HEALS + 1]
    heals = tuple(h for h in kept if h not in spare)
    memory = without(state.memory, heal.unit)
    return replace(state, attempts=attempts, heals=(*heals, heal), memory=memory)


def _heal(state: State, attempt: Attempt, at: datetime) -> Heal:
    """Keep what a later look at many repairs asks: what it was, what helped, how long it took."""
    incident = state.incidents.get(attempt.incident)
    if incident is None:
        return Heal(unit=attempt.unit, at=at, incident=attempt.incident)
    action = next((one for one in incident.actions if one.seq == attempt.action), None)
    good_at = incident.mitigated_at
    return Heal(
        unit=attempt.unit,
        at=at,
        incident=attempt.incident,
        check=incident.check,
        remedy=action.label if action else "",
        cause=incident.cause or incident.failure_class,
        after_change=incident.after_change,
        bad_at=incident.began,
        seconds=max(0.0, (good_at - incident.began).total_seconds()) if good_at else None,
        memory=state.memory.get(attempt.unit, ()),
    )


@folded.register(ev.ChronicHealing)
def _(event: ev.ChronicHealing, state: State, recorded: Recorded) -> State:
    return replace(state, chronic_told={**state.chronic_told, event.unit: recorded.at})
