"""A host made of values: the agent with a log in memory, for telling stories with a clock of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.agent import Agent
from opsagent.core import dependants, inbox
from opsagent.core.codec import Recorded, read_all
from opsagent.core.log_row import Batch, Row, StoreError
from opsagent.core.observation import Observation, Reading, Status, ok
from opsagent.core.state import State
from opsagent.core.unit import HostConditions, JobOutcome, UnitSnapshot
from opsagent.core.world import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.commands import Answer, Command
    from opsagent.core.policy import Policy

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@dataclass
class MemoryLog:
    """A log that keeps its rows in a list; `broken` makes it refuse, as a full disk does."""

    rows: list[Row] = field(default_factory=list)
    trouble: StoreError | None = None
    broken: StoreError | None = None

    @property
    def next_seq(self) -> int:
        return len(self.rows) + 1

    def commit(self, batch: Batch) -> tuple[Row, ...]:
        if self.broken is not None:
            self.trouble = self.broken
            raise self.broken
        return self.commit_or_hold(batch)

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        self.trouble = self.broken
        rows = tuple(
            Row(
                seq=self.next_seq + place,
                at=new.at,
                host="web-1",
                boot="boot",
                type=new.type,
                v=new.v,
                incident=self.next_seq + place if new.incident == -1 else new.incident,
                actor=new.actor,
                because=new.because,
                data=new.data,
            )
            for place, new in enumerate(batch.rows)
        )
        self.rows.extend(rows)
        return rows


@dataclass
class Orders:
    """The effects, written down instead of carried out."""

    acted: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    gathered: list = field(default_factory=list)
    investigated: list = field(default_factory=list)
    followed: list = field(default_factory=list)
    compared: list = field(default_factory=list)
    units: list = field(default_factory=list)
    remembered: list = field(default_factory=list)

    def act(self, incident, action, event):
        self.acted.append((incident, action, event))

    def send(self, owed):
        self.sent.append(owed)

    def gather(self, wanted):
        self.gathered.append(wanted.unit)

    def investigate(self, incident, unit, _since):
        self.investigated.append(incident)
        self.units.append(unit)

    def follow(self, incident, event):
        self.followed.append((incident, event))

    def compare(self, incident, evidence):
        self.compared.append((incident, evidence))

    def remember(self, steps):
        self.remembered.extend(recorded for _, _, recorded in steps)


class StoryHost:
    """One host: `now` is ours, units and conditions are what we say they are."""

    def __init__(
        self,
        policy: Policy,
        now: datetime = NOON,
        state: State | None = None,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.now = now
        self.log = MemoryLog()
        self.orders = Orders()
        self.units: dict[str, UnitSnapshot] = {}
        self.conditions = HostConditions()
        self.agent = Agent(policy=policy, state=state or State(), log=self.log, effects=self.orders, redact=redact)

    def take(self, *arrivals) -> None:
        self.agent.handle(arrivals, self.now)

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)
        self.take()

    def look(self, check: str, reading: Reading) -> None:
        self.take(inbox.Looked(seen=Observation(check=check, reading=reading, at=self.now)))

    def good(self, check: str) -> None:
        self.look(check, ok("200 in 3 ms"))

    def bad(self, check: str, failure_class: str = "status", **more) -> None:
        self.look(check, Reading(status=Status.CRITICAL, message="answered 500", failure_class=failure_class, **more))

    def unit(self, name: str, **fields) -> None:
        fresh = UnitSnapshot(name=name, read_at=self.now, unit_file_state="enabled", type="simple")
        known = self.units.get(name) or fresh
        values = {f: getattr(known, f) for f in known.__slots__} | {"read_at": self.now} | fields
        self.units[name] = UnitSnapshot(**values)
        self.take(inbox.UnitSeen(snapshot=self.units[name]))

    def answer_facts(self) -> None:
        """Answer the daemon's question about the units, as a worker does."""
        asked, self.orders.gathered = self.orders.gathered, []
        for name in asked:
            snapshot = self.units.get(name)
            also = tuple(self.units[one] for one in (snapshot.also if snapshot else ()) if one in self.units)
            below = dependants.below(self.agent.policy, name) if dependants.wants_them(self.agent.policy, name) else ()
            known = tuple(self.units[one] for one in below if one in self.units)
            facts = Facts(unit=name, at=self.now, snapshot=snapshot, also=also, dependants=known)
            self.take(inbox.FactsSeen(unit=name, facts=facts, conditions=self.conditions))

    def carry_out(self, result: str = "done", error: str = "", **fields) -> None:
        """Carry out the last order that was given."""
        incident, action, event = self.orders.acted[-1]
        after = None
        if fields:
            known = self.units[event.unit]
            values = {f: getattr(known, f) for f in known.__slots__} | {"read_at": self.now} | fields
            after = self.units[event.unit] = UnitSnapshot(**values)
        outcome = JobOutcome(result=result, error=error, seconds=0.1, after=after)
        self.take(inbox.ActionDone(incident=incident, action=action, outcome=outcome))

    def ask(self, command: Command) -> Answer:
        answers: list[Answer] = []
        self.take(inbox.Asked(command=command, reply=answers.append))
        return answers[0]

    def events(self, kind: type) -> list:
        return [one.event for one in self.recorded if isinstance(one.event, kind)]

    @property
    def recorded(self) -> list[Recorded]:
        return list(read_all(self.log.rows))

    @property
    def incident(self):
        return next(iter(self.agent.state.incidents.values()))
