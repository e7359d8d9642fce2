"""Which looks are turns of their own: all at what is uncertain or open, of a steady check those that are news."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from opsagent.core.recovery import judges
from opsagent.core.roots import dependencies
from opsagent.replay.course import is_steady

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsagent.core.health import Health
    from opsagent.core.observation import Observation
    from opsagent.core.world import World
    from opsagent.replay.course import Course

Healths = dict[str, "Health"]


class Watch:
    """The looks that are still to come. `every_look`: none is passed over."""

    def __init__(self, courses: Mapping[str, Course], *, every_look: bool = False) -> None:
        """Stand where the courses stand."""
        self._courses = courses
        self._every_look = every_look
        self._near: frozenset[str] = frozenset()
        self._close: set[str] = set()
        self._news: list[tuple[int, str]] = []
        self._planned: dict[str, int] = {}

    @property
    def is_close(self) -> bool:
        """Whether anything is looked at closely."""
        return bool(self._close)

    def news_at(self) -> int | None:
        """Return when the next look at a steady check is that is not good (ms)."""
        while self._news and self._planned.get(self._news[0][1]) != self._news[0][0]:
            heapq.heappop(self._news)
        return self._news[0][0] if self._news else None

    def next_at(self) -> int | None:
        """Return when the next look is that is a turn of its own (ms)."""
        every = (self.news_at(), *(self._courses[name].next_at(steady=False) for name in self._close))
        return min((at for at in every if at is not None), default=None)

    def ahead(self, until: int) -> list[Observation]:
        """Return the looks up to a time (ms) at what is looked at closely, in their order, and take none."""
        seen = (one for name in self._close for one in self._courses[name].ahead(until))
        return sorted(seen, key=lambda one: (one.at, one.check))

    def pass_to(self, until: int) -> None:
        """Leave the looks up to a time (ms) behind that `ahead` returned."""
        for name in self._close:
            self._courses[name].begin(until + 1)

    def begin_anew(self, until: int) -> None:
        """Leave all looks up to a time (ms) behind."""
        for course in self._courses.values():
            course.begin(until + 1)

    def taken(self, until: int, known: Healths) -> list[Observation]:
        """Take the looks up to a time (ms); what a steady check saw before is passed first, in `known`."""
        names = set(self._close)
        while (at := self.news_at()) is not None and at <= until:
            name = heapq.heappop(self._news)[1]
            del self._planned[name]
            known[name] = self._courses[name].passed(known[name], at - 1)
            names.add(name)
        found = [one for name in names for one in self._courses[name].ahead(until)]
        for name in names:
            self._courses[name].begin(until + 1)
        return sorted(found, key=lambda one: (one.at, one.check))

    def plan(self, names: Iterable[str], world: World) -> None:
        """Find out how closely each of these checks is to be looked at from here on."""
        for name in names:
            course, health = self._courses.get(name), world.looks.get(name)
            self._close.discard(name)
            self._planned.pop(name, None)
            if course is None or world.policy.check(name) is None:
                continue
            if self._every_look or name in self._near or health is None or not is_steady(health):
                self._close.add(name)
            elif (at := course.next_at(steady=True)) is not None:
                self._planned[name] = at
                heapq.heappush(self._news, (at, name))

    def approach(self, world: World) -> set[str]:
        """Look closely at what is open and at what it needs; return the checks of which that is new or over."""
        names = {check.name for one in world.state.incidents.values() for check in judges(world, one)}
        near = frozenset(family(names, world))
        changed, self._near = near ^ self._near, near
        return set(changed)

    def caught_up(self, names: Iterable[str], world: World, until: int) -> Healths:
        """Return the health of the steady ones among these and those near after their good looks up to a time (ms)."""
        fresh = {}
        for name in family({*names, *self._near}, world):
            health, course = world.looks.get(name), self._courses.get(name)
            if health is not None and course is not None and is_steady(health) and not self._every_look:
                fresh[name] = course.passed(health, until)
        return fresh


def family(names: Iterable[str], world: World) -> set[str]:
    """Return these checks, those of the same units, and what they need."""
    known = [check for name in names if (check := world.policy.check(name)) is not None]
    found = {one.name for check in known for one in world.policy.checks_of(check.key)}
    return found | {one.name for check in known for one in dependencies(world, check)}
