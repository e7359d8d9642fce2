"""A host that lives: services that die and start, looks at their pace, orders carried out, messages delivered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import inbox, schedule
from opsagent.core.observation import Observation, Reading, Status, ok
from opsagent.core.unit import JobOutcome, StopSeen, UnitSnapshot
from tests.core.story_host import NOON, StoryHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core import events as ev
    from opsagent.core.policy import CheckPolicy, Policy
    from opsagent.core.state import Owed, State

A_MOMENT = timedelta(milliseconds=100)
LONGEST_STEP = timedelta(seconds=30)


@dataclass
class Service:
    """One service: what systemd says of it (`unit`) and how it answers (`sick`: it does not, whatever systemd says).

    `cured_by` is the only remedy that helps against that.
    """

    unit: UnitSnapshot
    start_takes: timedelta = timedelta()
    can_start: bool = True
    sick: str = ""
    needs: tuple[str, ...] = ()
    cured_by: str = ""
    restarts: list[datetime] = field(default_factory=list)
    began: datetime | None = None

    def is_ready(self, now: datetime) -> bool:
        ready = self.began is None or now >= self.began + self.start_takes
        return self.unit.active_state == "active" and ready


class LiveHost(StoryHost):
    """One host and its services. `refusal` is what polkit says to every order; `gone` notifiers never deliver."""

    def __init__(self, policy: Policy, now: datetime = NOON, state: State | None = None) -> None:
        super().__init__(policy, now, state)
        self.services: dict[str, Service] = {}
        self.answers: dict[str, Callable[[], Reading]] = {}
        self.refusal = ""
        self.keeps_invocation = False  # systemd's start limit: no start is even tried
        self.gone: set[str] = set()
        self.down: set[str] = set()
        self.delivered: list[tuple[datetime, Owed]] = []
        self._done: list[tuple[datetime, inbox.ActionDone]] = []
        self._next: dict[str, datetime] = {}
        self._carried = 0
        self.late: list[StopSeen] = []

    def serve(self, name: str, **more: object) -> Service:
        """Begin with a service that has been running for an hour."""
        long_ago = self.now - timedelta(hours=1)
        unit = UnitSnapshot(
            name=name,
            read_at=self.now,
            active_state="active",
            sub_state="running",
            type="simple",
            unit_file_state="enabled",
            invocation_id=f"{len(self.services):032x}",
            active_enter_at=long_ago,
            inactive_exit_at=long_ago,
        )
        self.services[name] = Service(unit=unit, **more)  # type: ignore[arg-type]
        self.units[name] = unit
        self.take(inbox.UnitSeen(snapshot=unit))
        return self.services[name]

    def change(self, name: str, *, tell: bool = True, **fields: object) -> None:
        """Let systemd say something else of a unit, with its signal."""
        unit = replace(self.services[name].unit, read_at=self.now, **fields)  # type: ignore[arg-type]
        self.services[name].unit = self.units[name] = unit
        if tell:
            self.take(inbox.UnitSeen(snapshot=unit))
            self._settle()

    def kill(self, name: str) -> None:
        """`kill -9`, seen by systemd's signal."""
        self.change(name, active_state="failed", sub_state="failed", result="signal", exec_main_status=9)

    def stop(self, name: str, by: str = "", **fields: object) -> None:
        """`systemctl stop`: the signal, and what the journal says of who wanted it."""
        state = {"active_state": "inactive", "sub_state": "dead", "result": "success"} | fields
        unit = replace(self.services[name].unit, read_at=self.now, **state)  # type: ignore[arg-type]
        self.services[name].unit = self.units[name] = unit
        self.take(inbox.UnitSeen(snapshot=unit, stops=(StopSeen(unit=name, at=self.now, by=by),)))
        self._settle()

    def start(self, name: str, *, tell: bool = True) -> None:
        """Start a service by hand or by systemd: a new invocation."""
        self.services[name].began = self.now
        state = {"active_state": "active", "sub_state": "running", "result": "success"}
        if not self.services[name].can_start:
            state = {"active_state": "failed", "sub_state": "failed", "result": "exit-code"}
        before = int(self.units[name].invocation_id or "0", 16)
        self.change(
            name,
            tell=tell,
            **state,
            invocation_id=f"{before + (0 if self.keeps_invocation else 4096):032x}",
            inactive_exit_at=self.now,
            active_enter_at=self.now,
        )

    def run(self, *, until: Callable[[], bool] | None = None, **span: float) -> bool:
        """Let time pass, or only until something is so; say whether it came to that."""
        end = self.now + timedelta(**span)
        while self.now < end:
            self.now = max(self.now + timedelta(milliseconds=20), min(end, self._soonest()))
            self._step()
            if until is not None and until():
                return True
        return until is None

    def jump(self, **by: float) -> None:
        """Set the wall clock, as the daemon tells of it; looks go on at their pace."""
        self.now += timedelta(**by)
        self._next = dict.fromkeys(self._next, self.now)
        self._done = [(self.now, done) for _, done in self._done]
        for service in self.services.values():
            service.began = service.began + timedelta(**by) if service.began else None
        self.take(inbox.ClockSeen(by=timedelta(**by)))
        self._settle()

    def sleep(self, **span: float) -> None:
        """Let time pass while nobody looks: the daemon is down, or the host suspended."""
        self.now += timedelta(**span)

    def _soonest(self) -> datetime:
        hurried = schedule.hurried(self.agent.world(self.now)).values()
        planned = (self._next.get(check.name, self.now) for check in self.agent.policy.checks)
        return min([*hurried, *planned, *(at for at, _ in self._done), *self._deadlines(), self.now + LONGEST_STEP])

    def _deadlines(self) -> list[datetime]:
        """Return what the daemon, which turns every second, would not miss."""
        found = [
            (one.next_repair_at, one.next_level_at, one.ack_until, one.snoozed_until)
            for one in self.agent.state.incidents.values()
        ]
        return [at for ats in found for at in ats if at is not None and at > self.now]

    def _step(self) -> None:
        due = [one for one in self._done if one[0] <= self.now]
        self._done = [one for one in self._done if one[0] > self.now]
        self.take(*(done for _, done in due), *(inbox.Looked(seen=seen) for seen in self._looks()))
        if due and self.late:  # the journal is read when the unit is
            stops, self.late = tuple(self.late), []
            self.take(
                *(
                    inbox.UnitSeen(snapshot=replace(self.units[one.unit], read_at=self.now), stops=(one,))
                    for one in stops
                )
            )
        self._settle()

    def _looks(self) -> list[Observation]:
        hurried = schedule.hurried(self.agent.world(self.now))
        found = []
        for check in self.agent.policy.checks:
            planned = self._next.get(check.name, self.now)
            if min(planned, hurried.get(check.name, planned)) <= self.now:
                found.append(Observation(check=check.name, reading=self.reading(check), at=self.now))
            if planned <= self.now:
                self._next[check.name] = self.now + check.every
        return found

    def reading(self, check: CheckPolicy) -> Reading:
        """Answer a look: as told by `answers`, else as its service stands."""
        if check.name in self.answers:
            return self.answers[check.name]()
        service = self.services[check.unit or ""]
        if not service.is_ready(self.now):
            return Reading(status=Status.CRITICAL, message="connection refused", failure_class="refused")
        broken = [name for name in service.needs if not self.services[name].is_ready(self.now)]
        if service.sick or broken:
            slow = service.sick == "timeout"
            failure = service.sick or "status"
            return Reading(status=Status.CRITICAL, message="answered 500", failure_class=failure, timed_out=slow)
        return ok("200 in 3 ms")

    def _settle(self) -> None:
        """Do what was ordered until nothing is left to do at this moment."""
        for _ in range(50):
            self.answer_facts()
            orders = self.orders.acted[self._carried :]
            self._carried += len(orders)
            for incident, action, event in orders:
                outcome = self.outcome(event)
                done = inbox.ActionDone(incident=incident, action=action, outcome=outcome)
                self._done.append((self.now + A_MOMENT, done))
                self.take(*(inbox.UnitSeen(snapshot=self.units[name]) for name in event.also if name in self.units))
            sent, self.orders.sent[:] = list(self.orders.sent), []
            self.take(*(self._delivery(owed) for owed in sent))
            if not sent and not self.orders.gathered:
                return
        raise AssertionError("this moment does not end")

    def outcome(self, event: ev.ActionRequested) -> JobOutcome:
        """Carry out an order, as systemd would."""
        if self.refusal:
            return JobOutcome(result="refused", error=self.refusal)
        if event.unit not in self.services:
            return JobOutcome(result="done")
        cure = self.services[event.unit].cured_by
        if cure and event.remedy != cure:
            return JobOutcome(result="done", seconds=0.1)
        self.services[event.unit].sick = "" if cure else self.services[event.unit].sick
        if event.remedy == "reclaim":
            return JobOutcome(result="done", error="freed 1.2 GiB: 1.2 GiB of /var/log/app (3 files)", seconds=0.1)
        if event.remedy in ("stop", "signal"):
            return self._by_root(event)
        for name in (event.unit, *event.also):
            self.services[name].restarts.append(self.now)
            self.start(name, tell=False)
        after = self.services[event.unit].unit
        return JobOutcome(result="done" if self.services[event.unit].can_start else "failed", seconds=0.1, after=after)

    def _by_root(self, event: ev.ActionRequested) -> JobOutcome:
        """Root stops the unit, or sends it a signal, of which it dies or (SIGCONT) wakes up; the journal tells it."""
        if event.remedy == "stop":
            self.change(event.unit, tell=False, active_state="inactive", sub_state="dead", result="success")
            self.late.append(StopSeen(unit=event.unit, at=self.now + A_MOMENT / 2))
        elif event.act == "SIGCONT":
            self.services[event.unit].sick = ""
        else:
            self.change(event.unit, tell=False, active_state="failed", sub_state="failed", result="core-dump")
        return JobOutcome(result="done", seconds=0.1)

    def _delivery(self, owed: Owed) -> inbox.Tried:
        if owed.notifier in self.gone:
            return inbox.Tried(key=owed.key, delivered=False, retryable=False, reason="no such address")
        if owed.notifier in self.down:
            return inbox.Tried(key=owed.key, delivered=False, reason="connection refused")
        self.delivered.append((self.now, owed))
        return inbox.Tried(key=owed.key, delivered=True)

    def told(self, *kinds: str) -> list[Owed]:
        """Return the messages that people have, oldest first."""
        return [owed for _, owed in self.delivered if not kinds or owed.kind in kinds]
