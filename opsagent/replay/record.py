"""What is on record: the state when the span began, the events of the span, the orders and messages with their ends."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core import codec
from opsagent.core import events as ev
from opsagent.core.codec import Recorded
from opsagent.core.fold import fold
from opsagent.core.incident import CHRONIC, IllegalTransitionError
from opsagent.core.state import State
from opsagent.core.unit import JobOutcome
from opsagent.replay.hands import Ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsagent.core.log_row import Row


@dataclass(slots=True, kw_only=True)
class Record:
    """The events of a span, and the state before it. `keys` are the open keys of all incidents."""

    since: datetime
    until: datetime
    state: State = field(default_factory=State)
    rows: list[Recorded] = field(default_factory=list)
    keys: dict[int, str] = field(default_factory=dict)
    settings: list[tuple[datetime, ev.SettingsApplied]] = field(default_factory=list)
    reported: set[int] = field(default_factory=set)


def read(rows: Iterable[Row], since: datetime, until: datetime) -> Record:
    """Read a log: fold what was before `since`, keep what came after it and before `until`."""
    found = Record(since=since, until=until)
    for one in codec.read_all(rows):
        _noted(found, one)
        if one.at >= until:
            break
        if one.at >= since:
            found.rows.append(one)
        else:
            found.state = _folded(found.state, one)
    return found


def _noted(found: Record, one: Recorded) -> None:
    if isinstance(one.event, ev.IncidentSuspected):
        found.keys[one.seq] = one.event.key
        if one.event.raised_by and not one.event.key.endswith(CHRONIC):  # that is decided, anew too
            found.reported.add(one.seq)
    if isinstance(one.event, ev.SettingsApplied):
        found.settings.append((one.at, one.event))


def _folded(state: State, one: Recorded) -> State:
    try:
        return fold(state, one)
    except IllegalTransitionError:
        return state


def orders(rows: Sequence[Recorded]) -> list[Ordered]:
    """Return the orders of which the end was seen."""
    begun: dict[int, tuple[datetime, ev.ActionRequested]] = {}
    found = []
    for place, row in enumerate(rows):
        match row.event:
            case ev.ActionRequested() as event:
                begun[row.seq] = (row.at, event)
            case ev.ActionEnded() as ended if ended.action in begun:
                at, event = begun[ended.action]
                found.append(_ordered(at, event, ended, rows[place : place + 3]))
    return found


def _ordered(at: datetime, event: ev.ActionRequested, ended: ev.ActionEnded, rows: Sequence[Recorded]) -> Ordered:
    """Return an order with its end and what was recorded in the same breath: the output, the unit afterwards."""
    after, output = None, tuple[str, ...]()
    told = []
    for row in rows[1:]:
        match row.event:
            case ev.UnitObserved(snapshot=snapshot) if row.at == rows[0].at and snapshot.name == event.unit:
                after = snapshot
                told.append(row.seq)
            case ev.EvidenceGathered(lines=lines) if row.at == rows[0].at and row.because == ended.action:
                output = lines
                told.append(row.seq)
    outcome = JobOutcome(result=ended.result, error=ended.reason, seconds=ended.seconds, after=after, output=output)
    return Ordered(at=at, event=event, ended_at=rows[0].at, outcome=outcome, rows=tuple(told))


def delivered(rows: Iterable[Recorded]) -> dict[str, datetime]:
    """Return when the last word about each message was recorded."""
    ends = (ev.NotificationSent, ev.NotificationFailed, ev.NotificationExpired)
    return {row.event.key: row.at for row in rows if isinstance(row.event, ends)}


def asked(rows: Iterable[Recorded]) -> dict[str, list[datetime]]:
    """Return when the guards of each unit were asked."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        if isinstance(row.event, ev.ActionRequested | ev.ActionRefused):
            found[row.event.unit].append(row.at)
    return found
