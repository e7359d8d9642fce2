"""What was seen of the host, its units and its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import shift, story
from opsagent.core.fold.rule import all_asked_anew, folded, without
from opsagent.core.renewal import replace
from opsagent.core.starts import Starts
from opsagent.core.state import Breaker, Known
from opsagent.core.units import brought_back

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


@folded.register(ev.HostObserved)
def _(event: ev.HostObserved, state: State, recorded: Recorded) -> State:
    """Where it is only the load's figure that changed, nobody is asked anew."""
    now, before = event.conditions, state.conditions
    overloaded = recorded.at if now.overload or before.overload else state.overloaded_at
    eased = replace(now, overload="") != replace(before, overload="") or not now.overload
    incidents = all_asked_anew(state) if eased else state.incidents
    return replace(state, conditions=now, overloaded_at=overloaded, incidents=incidents)


@folded.register(ev.UnitObserved)
def _(event: ev.UnitObserved, state: State, recorded: Recorded) -> State:
    del recorded
    seen = event.snapshot
    news = not brought_back(state.units.get(seen.name), seen)
    active_at = {**state.active_at, seen.name: seen.active_enter_at} if seen.active_enter_at else state.active_at
    held = {
        seq: story.asked_anew(one) if news and one.unit == seen.name else one for seq, one in state.incidents.items()
    }
    stopped = state.own_stops.get(seen.name)
    again = stopped is not None and seen.active_state == "active" and (seen.active_enter_at or stopped.at) > stopped.at
    own_stops = without(state.own_stops, seen.name) if again else state.own_stops
    units = {**state.units, seen.name: seen}
    return replace(state, units=units, active_at=active_at, own_stops=own_stops, incidents=held)


@folded.register(ev.StartupSeen)
def _(event: ev.StartupSeen, state: State, recorded: Recorded) -> State:
    del recorded
    known = state.starts.get(event.unit, Starts())
    return replace(state, starts={**state.starts, event.unit: known.with_one(event.seconds, event.invocation_id)})


@folded.register(ev.OperatorStopped)
def _(event: ev.OperatorStopped, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, stops={**state.stops, event.stop.unit: event.stop})


@folded.register(ev.OperatorStopEnded)
def _(event: ev.OperatorStopEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, stops=without(state.stops, event.unit), incidents=all_asked_anew(state))


@folded.register(ev.ClockJumped)
def _(event: ev.ClockJumped, state: State, recorded: Recorded) -> State:
    at = recorded.at
    return replace(shift.shifted(state, event.by), overloaded_at=at, beat_due_at=at, jumped_at=at, jumped_by=event.by)


@folded.register(ev.HealthChanged)
def _(event: ev.HealthChanged, state: State, recorded: Recorded) -> State:
    known = Known(status=event.now, since=recorded.at, message=event.message, failure_class=event.failure_class)
    return replace(state, health={**state.health, event.check: known})


@folded.register(ev.FlappingStarted)
def _(event: ev.FlappingStarted, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, flapping=state.flapping | {event.check})


@folded.register(ev.FlappingEnded)
def _(event: ev.FlappingEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, flapping=state.flapping - {event.check}, incidents=all_asked_anew(state))


@folded.register(ev.BreakerOpened)
def _(event: ev.BreakerOpened, state: State, recorded: Recorded) -> State:
    opened_at = state.breaker.opened_at if state.breaker else recorded.at
    return replace(state, breaker=Breaker(opened_at=opened_at, last_at=recorded.at, keys=event.keys))


@folded.register(ev.BreakerClosed)
def _(event: ev.BreakerClosed, state: State, recorded: Recorded) -> State:
    del event, recorded
    return replace(state, breaker=None, incidents=all_asked_anew(state))
