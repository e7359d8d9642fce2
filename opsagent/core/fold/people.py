"""What people are owed, and what they paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import all_asked_anew, folded, without
from opsagent.core.renewal import replace
from opsagent.core.state import Owed

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


@folded.register(ev.NotificationQueued)
def _(event: ev.NotificationQueued, state: State, recorded: Recorded) -> State:
    owed = Owed(
        key=event.key,
        seq=recorded.seq,
        notifier=event.notifier,
        level=event.level,
        kind=event.kind,
        incident=recorded.incident,
        title=event.title,
        body=event.body,
        reason=event.reason,
        queued_at=recorded.at,
        next_at=recorded.at,
        expires_at=event.expires_at,
    )
    return replace(state, owed={**state.owed, event.key: owed})


@folded.register(ev.NotificationSent)
def _(event: ev.NotificationSent, state: State, recorded: Recorded) -> State:
    owed = state.owed.get(event.key)
    proven = {**state.proven, owed.notifier: recorded.at} if owed is not None else state.proven
    return replace(_not_owed(state, event.key), proven=proven)


@folded.register(ev.NotificationExpired)
def _(event: ev.NotificationExpired, state: State, recorded: Recorded) -> State:
    del recorded
    return _not_owed(state, event.key)


def _not_owed(state: State, key: str) -> State:
    owed = without(state.owed, key)
    awaited = {one.incident for one in owed.values()}
    farewells = {seq: incident for seq, incident in state.farewells.items() if seq in awaited}
    return replace(state, owed=owed, farewells=farewells)


@folded.register(ev.NotificationFailed)
def _(event: ev.NotificationFailed, state: State, recorded: Recorded) -> State:
    del recorded
    owed = state.owed.get(event.key)
    if owed is None or event.next_at is None:
        return _not_owed(state, event.key)
    tried = replace(
        owed,
        attempts=owed.attempts + 1,
        next_at=event.next_at,
        targets=event.targets,
        last_error=event.reason,
    )
    return replace(state, owed={**state.owed, event.key: tried})


@folded.register(ev.PauseSet)
def _(event: ev.PauseSet, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, pauses={**state.pauses, event.target: event})


@folded.register(ev.PauseEnded)
def _(event: ev.PauseEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, pauses=without(state.pauses, event.target), incidents=all_asked_anew(state))
