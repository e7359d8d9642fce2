"""Hands that do nothing: what became of an order or a message is taken from the record, or assumed and said so."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.codec import Recorded
from opsagent.core.log_row import Row, StoreError
from opsagent.core.unit import JobOutcome, UnitSnapshot
from opsagent.core.world import Facts, FactsWanted, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.incident import Incident
    from opsagent.core.log_row import Batch
    from opsagent.core.state import Owed, State

ALIKE = timedelta(seconds=60)
"""An order is the recorded one if it is the same remedy of the same unit and within so long of it."""
A_MOMENT = timedelta(milliseconds=50)
SOON = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order on record with what became of it; `rows` are the numbers of the events that told of it."""

    at: datetime
    event: ev.ActionRequested
    ended_at: datetime
    outcome: JobOutcome
    rows: tuple[int, ...] = ()


class MemoryLog:
    """A log that only counts: what is decided is collected by the hands."""

    trouble: StoreError | None = None

    def __init__(self, last: int) -> None:
        """`last` is the number of the last event before."""
        self._last = last

    @property
    def next_seq(self) -> int:
        """The number that the next event will have."""
        return self._last + 1

    def commit(self, batch: Batch) -> tuple[Row, ...]:
        """Count what is recorded."""
        rows = tuple(
            Row(
                seq=self.next_seq + place,
                at=new.at,
                host="",
                boot="",
                type=new.type,
                v=new.v,
                incident=new.incident,
                actor=new.actor,
                because=new.because,
                data="",
            )
            for place, new in enumerate(batch.rows)
        )
        self._last += len(rows)
        return rows

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        """Count what is recorded: there is always room."""
        return self.commit(batch)


@dataclass(slots=True)
class Hands:
    """The agent's effects. `orders` and `sent` come from the record; `assumed` are orders that nobody ever carried out.

    `asked` says when the guards of a unit were asked, `recorded` is all that was decided.
    """

    orders: list[Ordered]
    sent: dict[str, datetime]
    asked: dict[str, list[datetime]]
    now: datetime
    recorded: list[Recorded] = field(default_factory=list)
    assumed: set[int] = field(default_factory=set)
    told_of: set[int] = field(default_factory=set)
    _due: list[tuple[datetime, int, Callable[[World], inbox.Arrival]]] = field(default_factory=list)
    _count: int = 0

    def next_at(self) -> datetime | None:
        """Return when the next answer comes."""
        return self._due[0][0] if self._due else None

    def answers(self, world: World) -> list[inbox.Arrival]:
        """Return the answers that have come by now."""
        found: list[inbox.Arrival] = []
        while self._due and self._due[0][0] <= world.now:
            found.append(heapq.heappop(self._due)[2](world))
        return found

    def _answer(self, at: datetime, answer: Callable[[World], inbox.Arrival]) -> None:
        self._count += 1
        heapq.heappush(self._due, (max(at, self.now), self._count, answer))

    def act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        """Find the order in the record; one that is not there is taken as carried out, and nothing came of it."""
        known = next((one for one in self.orders if _is_it(one, event, self.now)), None)
        if known is None:
            self.assumed.add(action)
            outcome, at = JobOutcome(result="done"), self.now + A_MOMENT
        else:
            self.orders.remove(known)
            self.told_of.update(known.rows)
            outcome, at = known.outcome, self.now + (known.ended_at - known.at)

        def done(world: World) -> inbox.Arrival:
            after = outcome.after or world.state.units.get(event.unit)
            return inbox.ActionDone(incident=incident, action=action, outcome=replace(outcome, after=after))

        self._answer(at, done)

    def send(self, owed: Owed) -> None:
        """A message on record is delivered as it was; any other is delivered at once."""
        at = self.sent.get(owed.key)
        if at is None or at <= self.now:  # at once, or in the same breath
            tried = inbox.Tried(key=owed.key, delivered=True)
            self._answer(self.now + (A_MOMENT if at is None else timedelta()), lambda _: tried)

    def gather(self, wanted: FactsWanted) -> None:
        """What is read before a repair is what was last known, or what was recorded in the moments after."""
        unit = wanted.unit
        at = next((at for at in self.asked.get(unit, []) if self.now <= at < self.now + SOON), self.now + A_MOMENT)

        def seen(world: World) -> inbox.Arrival:
            known = world.state.units.get(unit)
            also = tuple(_read(world.state.units[name], world.now) for name in _also(known, world.state))
            facts = Facts(unit=unit, at=world.now, snapshot=_read(known, world.now) if known else None, also=also)
            return inbox.FactsSeen(unit=unit, facts=facts, conditions=world.state.conditions)

        self._answer(at, seen)

    def investigate(self, incident: Incident, unit: UnitSnapshot | None, since: datetime) -> None:
        """Do nothing: the evidence that was found is a fact on record."""

    def follow(self, incident: int, event: ev.PlaybookMatched) -> None:
        """Do nothing: what the steps of a playbook told is a fact on record."""

    def compare(self, incident: Incident, evidence: Evidence) -> None:
        """Do nothing: which pattern spoke of an incident is a fact on record."""

    def remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        """Keep what was decided."""
        self.recorded += [recorded for _, _, recorded in steps]


def _is_it(known: Ordered, event: ev.ActionRequested, now: datetime) -> bool:
    same = (known.event.remedy, known.event.unit, known.event.act) == (event.remedy, event.unit, event.act)
    return same and abs(known.at - now) <= ALIKE


def _also(known: UnitSnapshot | None, state: State) -> list[str]:
    return [name for name in known.also if name in state.units] if known is not None else []


def _read(snapshot: UnitSnapshot, now: datetime) -> UnitSnapshot:
    return replace(snapshot, read_at=now)
