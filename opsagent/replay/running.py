"""The run: facts, looks, answers and deadlines in the order of time, each before the agent in its turn."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.agent import Agent
from opsagent.core import events as ev
from opsagent.core import inbox, looks, schedule
from opsagent.core.codec import Recorded
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.policy import Policy
from opsagent.core.roots import dependencies
from opsagent.core.state import State
from opsagent.replay.course import EPOCH, MILLISECOND, Course, is_steady
from opsagent.replay.facts import Facts, united
from opsagent.replay.hands import Hands, MemoryLog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.health import Health
    from opsagent.core.observation import Observation

TOGETHER = timedelta(milliseconds=300)
"""So long a look may wait for those begun with it: what was decided within it was decided by it."""
WARM = timedelta(hours=2)
"""Looks before the beginning that are taken without a decision, so that streaks are known."""
MOVING, RESTING = timedelta(seconds=5), timedelta(seconds=30)
"""So often it comes round between what is known to be due, while something moves by the second, and while not."""
TELL_EVERY = 500  # turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that goes into a run: what was recorded in a span, and how things stood when it began."""

    since: datetime
    until: datetime
    state: State
    rows: Sequence[Recorded]
    courses: Mapping[str, Course]
    facts: Facts
    policy: Policy
    digest: str
    text: str = ""


class Run:
    """One run of the core over a record. `lost` counts turns whose facts did not fit the world that they met."""

    def __init__(self, script: Script, hands: Hands, tell: Callable[[datetime], object] = bool) -> None:
        """`tell` hears now and then how far it has come."""
        self.hands = hands
        self.lost = 0
        self._script = script
        self._tell = tell
        self._log = MemoryLog(script.state.seq)
        self._agent = self._started(script.state)
        self._row = 0
        self._queue: list[tuple[int, str]] = []
        self._planned: dict[str, int] = {}
        self._near: frozenset[str] = frozenset()
        self._last = script.since

    def _started(self, state: State) -> Agent:
        return Agent(policy=self._script.policy, state=state, log=self._log, effects=self.hands, redact=str)

    def run(self) -> State:
        """Go from the beginning to the end; return how things stand there."""
        self._begin()
        turns = 0
        while (now := self._next()) is not None and now < self._script.until:
            self._turn(now)
            turns += 1
            if turns % TELL_EVERY == 0:
                self._tell(now)
        return self._agent.state

    def _begin(self) -> None:
        since = self._script.since
        self._warm(max(since - WARM, self._script.state.started_at or since - WARM))
        if self._script.state.digest:
            self._handle([self._settings()], since)
        self._plan(self._script.courses)

    def _settings(self) -> inbox.SettingsRead:
        return inbox.SettingsRead(policy=self._script.policy, digest=self._script.digest, text=self._script.text)

    def _warm(self, begin: datetime) -> None:
        """Take the looks just before the beginning without a decision, so that every streak is as it was."""
        found: dict[str, Health] = {}
        for name, course in self._script.courses.items():
            check = self._script.policy.check(name)
            course.begin(millis(begin))
            while check is not None and (at := course.next_at(steady=False)) is not None and self._is_before(at):
                seen = course.taken()
                found[name] = looks.looked(replace(self._agent.world(seen.at), looks=found), seen, check)
        self._agent.looks = found

    def _is_before(self, at: int) -> bool:
        return at < millis(self._script.since)

    def _next(self) -> datetime | None:
        """Return when the next turn is. While anything is open the daemon comes round in between too."""
        coming = (self._row_at(), self.hands.next_at(), self._look_at())
        soonest = min((at for at in coming if at is not None), default=None)
        state = self._agent.state
        if not (state.incidents or state.owed or state.pauses or state.breaker or state.stops):
            return soonest
        step = RESTING if schedule.is_at_rest(state) else MOVING
        tick = min([self._last + step, *self._deadlines()])
        return soonest if soonest is not None and soonest <= tick + step else tick

    def _deadlines(self) -> list[datetime]:
        """Return the stored deadlines of what is open that are still to come."""
        known = self._agent.state.incidents.values()
        found = [(one.next_repair_at, one.next_level_at, one.ack_until, one.snoozed_until) for one in known]
        return [at for ats in found for at in ats if at is not None and at > self._last]

    def _row_at(self) -> datetime | None:
        rows = self._script.rows
        return rows[self._row].at if self._row < len(rows) else None

    def _look_at(self) -> datetime | None:
        """Return when the next look is taken: with what was recorded within a moment after it, else at once."""
        while self._queue and self._planned.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        if not self._queue:
            return None
        when, row = moment(self._queue[0][0]), self._row_at()
        return row if row is not None and when <= row <= when + TOGETHER else when

    def _turn(self, now: datetime) -> None:
        rows = self._rows(now)
        taken = self._looks(now)
        if any(isinstance(row.event, ev.DaemonStarted) for row in rows):
            self._agent = self._started(self._agent.state)
        touched = {one.check for one in taken} | self._checks_of(rows)
        self._catch_up(touched | self._near, now)
        world = self._agent.world(now)
        told = [row for row in rows if row.seq not in self.hands.told_of]
        answers = self.hands.answers(world)
        before = [one for one in answers if not isinstance(one, inbox.FactsSeen)]
        read = [one for one in answers if isinstance(one, inbox.FactsSeen)]  # with what was found beside them
        arrivals = [*before, *united(self._script.facts.arrivals(told, world)), *read]
        if any(isinstance(row.event, ev.DaemonStarted) for row in rows):
            arrivals.append(self._settings())
        self._handle([*arrivals, *(inbox.Looked(seen=one) for one in taken)], now)
        self._plan({one.check for one in taken} | touched)

    def _rows(self, now: datetime) -> list[Recorded]:
        begin, rows = self._row, self._script.rows
        while self._row < len(rows) and rows[self._row].at <= now:
            self._row += 1
        return list(rows[begin : self._row])

    def _looks(self, now: datetime) -> list[Observation]:
        """Take the looks that are due, in their order; what a steady check saw before is passed first."""
        found = []
        passed = dict(self._agent.looks)
        while self._queue and self._queue[0][0] <= millis(now):
            at, name = heapq.heappop(self._queue)
            if self._planned.get(name) != at:
                continue
            course = self._script.courses[name]
            if name in passed and is_steady(passed[name]):
                passed[name] = course.passed(passed[name], at - 1)
            found.append(course.taken())
            self._plan([name], steady=False)
        self._agent.looks = passed
        return found

    def _handle(self, arrivals: list[inbox.Arrival], now: datetime) -> None:
        self.hands.now = self._last = now
        try:
            self._agent.handle(arrivals, now)
        except IllegalTransitionError:
            self.lost += 1
            self._agent.handle([one for one in arrivals if not isinstance(one, inbox.Recalled)], now)
        self._watch(now)

    def _watch(self, now: datetime) -> None:
        """Look closely at what is open: every look that judges it, and every look at what it needs, is a turn."""
        state, policy = self._agent.state, self._script.policy
        names = {one.check for one in state.incidents.values()}
        names |= {check.name for one in state.incidents.values() for check in policy.checks_of(one.key)}
        near = frozenset(self._family(names, now))
        if near != self._near:
            changed, self._near = near ^ self._near, near
            self._catch_up(changed, now)
            self._plan(changed)

    def _family(self, names: Iterable[str], now: datetime) -> set[str]:
        world, policy = self._agent.world(now), self._script.policy
        known = [check for name in names if (check := policy.check(name)) is not None]
        found = {one.name for check in known for one in policy.checks_of(check.key)}
        return found | {one.name for check in known for one in dependencies(world, check)}

    def _checks_of(self, rows: Iterable[Recorded]) -> set[str]:
        units = {row.event.snapshot.name for row in rows if isinstance(row.event, ev.UnitObserved)}
        return {check.name for unit in units for check in self._script.policy.checks_of(unit)}

    def _catch_up(self, names: Iterable[str], now: datetime) -> None:
        """Pass the good looks of steady checks up to now: what is decided next may ask when they were last good."""
        fresh = {}
        for name in self._family(names, now):
            health, course = self._agent.looks.get(name), self._script.courses.get(name)
            if health is not None and course is not None and is_steady(health):
                fresh[name] = course.passed(health, millis(now))
        if fresh:
            self._agent.looks = {**self._agent.looks, **fresh}

    def _plan(self, names: Iterable[str], *, steady: bool = True) -> None:
        """Find the next look at each of these checks that is a turn of its own."""
        for name in names:
            course, health = self._script.courses.get(name), self._agent.looks.get(name)
            if course is None or self._script.policy.check(name) is None:
                continue
            calm = steady and name not in self._near and health is not None and is_steady(health)
            at = course.next_at(steady=calm)
            self._planned.pop(name, None)
            if at is not None:
                self._planned[name] = at
                heapq.heappush(self._queue, (at, name))


def millis(at: datetime) -> int:
    """Return a moment as whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


def moment(at: int) -> datetime:
    """Return the moment of so many milliseconds since 1970."""
    return EPOCH + at * MILLISECOND
