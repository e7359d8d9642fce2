"""The run: facts, looks, answers and deadlines in the order of time, each before the agent in its turn."""

from __future__ import annotations

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
from opsagent.core.state import State
from opsagent.replay.course import EPOCH, MILLISECOND, Course, is_steady
from opsagent.replay.facts import Facts, united
from opsagent.replay.hands import Hands, MemoryLog
from opsagent.replay.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.health import Health
    from opsagent.core.policy import CheckPolicy

TOGETHER = timedelta(milliseconds=300)
"""So long a look may wait for those begun with it: what was decided within it was decided by it."""
WARM = timedelta(hours=2)
"""Looks before the beginning that are taken without a decision, so that streaks are known."""
MOVING, RESTING = timedelta(seconds=5), timedelta(seconds=30)
"""So often it comes round while something that is open moves by the second, and while not."""
NEAREST, FARTHEST = timedelta(seconds=10), timedelta(minutes=20)
"""Over so long a time it tries to pass at once, as far as nothing comes of it."""
TELL_EVERY = 50  # turns


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

    def __init__(
        self, script: Script, hands: Hands, tell: Callable[[datetime], object] = bool, *, every_look: bool = False
    ) -> None:
        """`tell` hears now and then how far it has come. With `every_look` nothing is passed: slow, and the same."""
        self.hands = hands
        self.lost = 0
        self._script = script
        self._tell = tell
        self._every_look = every_look
        self._log = MemoryLog(script.state.seq)
        self._agent = self._started(script.state)
        self._watch = Watch(script.courses, every_look=every_look)
        self._row = 0
        self._last = script.since
        self._reach = NEAREST

    def _started(self, state: State) -> Agent:
        return Agent(policy=self._script.policy, state=state, log=self._log, effects=self.hands, redact=str)

    def run(self) -> State:
        """Go from the beginning to the end; return how things stand there."""
        self._begin()
        turns = 0
        while (now := self._next()) is not None and now < self._script.until:
            if self._every_look or not self._passed():
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
        policy, until = self._script.policy, millis(self._script.since) - 1
        found: dict[str, Health] = {}
        for name, course in self._script.courses.items():
            course.begin(millis(begin))
            check = policy.check(name)
            health = self._warmed(course, check, until) if check is not None else None
            found |= {name: health} if health is not None else {}
        self._agent.looks = found

    def _warmed(self, course: Course, check: CheckPolicy, until: int) -> Health | None:
        health: Health | None = None
        while (at := course.next_at(steady=False)) is not None and at <= until:
            later = course.passed(health, until) if health is not None and is_steady(health) else health
            if later is health:
                seen = course.taken()
                world = replace(self._agent.world(seen.at), looks={check.name: health} if health else {})
                later = looks.looked(world, seen, check)
            health = later
        return health

    def _next(self) -> datetime | None:
        """Return when the next turn is. While anything is open the daemon comes round in between too."""
        coming = (self._row_at(), self.hands.next_at(), self._look_at(), self._round_at(), *self._deadlines())
        return min((at for at in coming if at is not None), default=None)

    def _round_at(self) -> datetime | None:
        state = self._agent.state
        if not (state.incidents or state.owed or state.pauses or state.breaker or state.stops):
            return None
        step = RESTING if schedule.is_at_rest(state) else MOVING
        return EPOCH + ((self._last - EPOCH) // step + 1) * step

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
        at, row = self._watch.next_at(), self._row_at()
        if at is None:
            return None
        return row if row is not None and moment(at) <= row <= moment(at) + TOGETHER else moment(at)

    def _passed(self) -> bool:
        """Pass over a time in which nothing would come of any look or round; False where the next turn must be taken.

        What is due stays due until it is done: where nothing is at the end, and no look was news, nothing was before.
        """
        end = self._still_until()
        is_worth = self._watch.is_close or self._round_at() is not None
        if not is_worth or self._agent.state.owed or end - self._last < MOVING:
            return False
        seen = self._watch.ahead(millis(end))
        found = self._agent.passed(seen, end)
        self._reach = max(NEAREST, self._reach / 4) if found is None else min(FARTHEST, self._reach * 2)
        if found is None:
            return False
        self._agent.looks = found
        self._watch.pass_to(millis(end))
        self._last = end
        self._plan({one.check for one in seen})
        return True

    def _still_until(self) -> datetime:
        """Return how far it may go before something comes that is a turn of its own, in whole milliseconds."""
        row, news = self._row_at(), self._watch.news_at()
        coming = (
            row - TOGETHER if row is not None else None,
            self.hands.next_at(),
            moment(news) if news is not None else None,
            *self._deadlines(),
            self._script.until,
        )
        soonest = min(at for at in (*coming, self._last + self._reach) if at is not None)
        return moment(millis(soonest) - 1)

    def _turn(self, now: datetime) -> None:
        rows = self._rows(now)
        known = dict(self._agent.looks)
        taken = self._watch.taken(millis(now), known)
        self._agent.looks = known
        is_start = any(isinstance(row.event, ev.DaemonStarted) for row in rows)
        if is_start:  # what was seen before is known no more
            self._agent = self._started(self._agent.state)
            self._watch.begin_anew(millis(now))
        touched = set(self._script.courses) if is_start else {one.check for one in taken} | self._checks_of(rows)
        self._catch_up(touched, now)
        arrivals = [*self._arrivals(rows, now), *([self._settings()] if is_start else [])]
        self._handle([*arrivals, *(inbox.Looked(seen=one) for one in taken)], now)
        self._plan(touched)

    def _arrivals(self, rows: list[Recorded], now: datetime) -> list[inbox.Arrival]:
        """Return what was answered and what was recorded by now, in the order in which the daemon would hear it."""
        world = self._agent.world(now)
        told = [row for row in rows if row.seq not in self.hands.told_of]
        answers = self.hands.answers(world)
        before = [one for one in answers if not isinstance(one, inbox.FactsSeen)]
        read = [one for one in answers if isinstance(one, inbox.FactsSeen)]  # with what was found beside them
        return [*before, *united(self._script.facts.arrivals(told, world)), *read]

    def _rows(self, now: datetime) -> list[Recorded]:
        begin, rows = self._row, self._script.rows
        while self._row < len(rows) and rows[self._row].at <= now:
            self._row += 1
        return list(rows[begin : self._row])

    def _handle(self, arrivals: list[inbox.Arrival], now: datetime) -> None:
        self.hands.now = self._last = now
        try:
            self._agent.handle(arrivals, now)
        except IllegalTransitionError:
            self.lost += 1
            self._agent.handle([one for one in arrivals if not isinstance(one, inbox.Recalled)], now)
        if changed := self._watch.approach(self._agent.world(now)):
            self._catch_up(changed, now)
            self._plan(changed)

    def _checks_of(self, rows: Iterable[Recorded]) -> set[str]:
        units = {row.event.snapshot.name for row in rows if isinstance(row.event, ev.UnitObserved)}
        return {check.name for unit in units for check in self._script.policy.checks_of(unit)}

    def _catch_up(self, names: Iterable[str], now: datetime) -> None:
        """Pass the good looks of steady checks up to now: what is decided next may ask when they were last good."""
        fresh = self._watch.caught_up(names, self._agent.world(now), millis(now))
        self._agent.looks = {**self._agent.looks, **fresh}

    def _plan(self, names: Iterable[str]) -> None:
        self._watch.plan(names, self._agent.world(self._last))


def millis(at: datetime) -> int:
    """Return a moment as whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


def moment(at: int) -> datetime:
    """Return the moment of so many milliseconds since 1970."""
    return EPOCH + at * MILLISECOND
