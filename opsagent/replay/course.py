"""The looks at one check, in order; a run of good ones after good ones is passed in one step."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from opsagent.core.health import FLAP_LOOKS, Health
from opsagent.core.observation import Observation, Reading, Status

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
STEADY = (True,) * FLAP_LOOKS
NOT_GOOD = re.compile(rb"[^\x00]")
"""A status that is not the first of its kind, which is ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What is on record of one check: when it was looked at (ms since 1970), and what each look says by new limits.

    `statuses` are places in `Status`; `reading` gives the look at a place.
    """

    times: Sequence[int] = ()
    statuses: bytes = b""
    reading: Callable[[int], Reading]


def is_steady(health: Health) -> bool:
    """Whether one more good look would change nothing but the count and the time: so long it was good and no other."""
    settled = health.settled and health.status is Status.OK and health.looks == STEADY
    return settled and not (health.bad or health.blind or health.blind_at or health.over or health.flapping)


class Course:
    """Stands before the next look at a check."""

    def __init__(self, check: str, looks: Looks) -> None:
        """Begin before the first look."""
        self.check = check
        self.place = 0
        self._looks = looks
        self._news = [found.start() for found in NOT_GOOD.finditer(looks.statuses)]

    def begin(self, at: int) -> None:
        """Stand before the first look at or after a time (ms)."""
        self.place = bisect_left(self._looks.times, at)

    def next_at(self, *, steady: bool) -> int | None:
        """Return when the next look is that must be taken by itself (ms); of a `steady` check the next that is news."""
        place = self._next_news() if steady else self.place
        return self._looks.times[place] if place < len(self._looks.times) else None

    def _next_news(self) -> int:
        after = bisect_left(self._news, self.place)
        return self._news[after] if after < len(self._news) else len(self._looks.times)

    def ahead(self, until: int) -> list[Observation]:
        """Return the next looks up to a time (ms), and take none."""
        places = range(self.place, bisect_right(self._looks.times, until))
        return [Observation(check=self.check, reading=self._looks.reading(one), at=self._at(one)) for one in places]

    def taken(self) -> Observation:
        """Return the look that is next, and stand behind it."""
        place, self.place = self.place, self.place + 1
        return Observation(check=self.check, reading=self._looks.reading(place), at=self._at(place))

    def passed(self, health: Health, until: int) -> Health:
        """Return the health of a steady check after all its good looks up to a time (ms), as if each was taken."""
        end = min(self._next_news(), bisect_right(self._looks.times, until))
        if end <= self.place:
            return health
        count, self.place = end - self.place, end
        at = self._at(end - 1)
        return replace(health, good=health.good + count, at=at, last_good_at=at, reading=self._looks.reading(end - 1))

    def _at(self, place: int) -> datetime:
        return EPOCH + self._looks.times[place] * MILLISECOND
