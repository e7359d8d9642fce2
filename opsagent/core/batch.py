"""What one turn writes, in one transaction: events, the messages they owe, and incidents as people list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import codec, contract, story
from opsagent.core import events as ev
from opsagent.core.before import before
from opsagent.core.fold import fold
from opsagent.core.incident import IllegalTransitionError, Incident
from opsagent.core.log_row import OPENING, Batch, IncidentRow, NewRow, OutboxRow, OutboxState, OutboxUpdate
from opsagent.core.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from opsagent.core.codec import Recorded


def of(recorded: Iterable[tuple[State, Recorded]], changed: Iterable[Incident], state: State, at: datetime) -> Batch:
    """Return the batch for these events, each with the state before it, and the incidents that they changed."""
    pairs = tuple(recorded)
    return Batch(
        at=at,
        rows=tuple(_row(one) for _, one in pairs),
        outbox=tuple(row for _, one in pairs if (row := _outbox(one)) is not None),
        outbox_updates=tuple(new for before, one in pairs if (new := _outbox_update(before, one)) is not None),
        incidents=tuple(_projected(one, state) for one in changed if one.label),
    )


def projections(log: Iterable[Recorded]) -> tuple[IncidentRow, ...]:
    """Return every incident of a log as people list it: for a log whose own lists were lost."""
    state, found = State(), dict[int, Incident]()
    for one in log:
        earlier = state
        try:
            state = fold(earlier, one)
        except IllegalTransitionError:
            continue
        found |= changed_by(earlier, state, one)
    return tuple(_projected(one, state) for one in found.values() if one.label)


def changed_by(before: State, after: State, recorded: Recorded) -> dict[int, Incident]:
    """Return the incident that this event changed, as it left it, also when it then left the state."""
    seq = recorded.incident
    if seq is None:
        return {}
    known, earlier = after.incident(seq), before.incident(seq)
    if known is None and earlier is not None:
        known = story.apply(earlier, recorded)
    return {} if known is None else {seq: known}


def _row(recorded: Recorded) -> NewRow:
    opening = recorded.incident == recorded.seq
    return NewRow(
        at=recorded.at,
        type=codec.kind_of(recorded.event),
        v=codec.VERSION,
        data=codec.encode(recorded.event),
        actor=recorded.actor,
        incident=OPENING if opening else recorded.incident,
        because=recorded.because,
    )


def _outbox(recorded: Recorded) -> OutboxRow | None:
    event = recorded.event
    if not isinstance(event, ev.NotificationQueued):
        return None
    return OutboxRow(
        key=event.key,
        seq=recorded.seq,
        notifier=event.notifier,
        payload=codec.encode(event),
        next_at=recorded.at,
        incident=recorded.incident,
    )


def _outbox_update(before: State, recorded: Recorded) -> OutboxUpdate | None:
    event = recorded.event
    owed = before.owed.get(event.key) if isinstance(event, story.DELIVERY) else None
    if owed is None or not isinstance(event, story.DELIVERY):
        return None
    state, next_at = OutboxState.SENT, recorded.at
    if isinstance(event, ev.NotificationExpired):
        state = OutboxState.EXPIRED
    elif isinstance(event, ev.NotificationFailed):
        state = OutboxState.PENDING if event.next_at else OutboxState.FAILED
        next_at = event.next_at or recorded.at
    return OutboxUpdate(key=event.key, state=state, attempts=owed.attempts + 1, next_at=next_at)


def _projected(incident: Incident, state: State) -> IncidentRow:
    parent = state.incidents.get(incident.parent) if incident.parent else None
    return IncidentRow(
        seq=incident.seq,
        label=incident.label or "",
        key=incident.key,
        check=incident.check,
        state=incident.state.value,
        opened_at=incident.first_bad_at,
        closed_at=incident.closed_at,
        json=contract.incident_json(incident, parent.label if parent else None, before(state, incident)),
    )
