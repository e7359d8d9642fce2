"""How the last days of a check were, in seconds: what was seen counts, what nobody saw is unknown and never bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain, pairwise
from operator import sub
from typing import TYPE_CHECKING

from opsagent.core.observation import Status
from opsagent.core.timing import local_date, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHOWN = 30
"""Days, today included."""
PLACES = tuple(Status)
FAILED_FOR = 60.0
WARNED_FOR = 300.0
PART = 256
Looks = tuple[Sequence[int], bytes]
"""Some looks in order: when each was, in milliseconds since 1970, and the place of its status in `PLACES`."""
Spell = tuple[int, int, int]
"""Looks that follow each other closely and say the same: when the first and the last were, and that place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySeen:
    """A local day of a check: for how many seconds it was so, as far as somebody looked, and how long nobody did."""

    date: date
    ok: float = 0.0
    warning: float = 0.0
    critical: float = 0.0
    unknown: float = 0.0

    @property
    def watched(self) -> float:
        """Seconds of which something is known."""
        return self.ok + self.warning + self.critical

    @property
    def status(self) -> Status:
        """The day in a word. A blip is not a failure: it is a warning, as is a warning of five minutes."""
        if not self.watched:
            return Status.UNKNOWN
        if self.critical >= FAILED_FOR:
            return Status.CRITICAL
        return Status.WARNING if self.critical or self.warning >= WARNED_FOR else Status.OK


def dates(now: datetime, zone: str) -> tuple[date, ...]:
    """Return the local days that are shown, the oldest first."""
    today = local_date(now, zone)
    return tuple(today - timedelta(days=back) for back in reversed(range(SHOWN)))


def begin_of(day: date, zone: str) -> datetime:
    """Return the moment a local day begins."""
    return resolve(datetime.combine(day, time()), zone)


def longest_of(every: timedelta) -> timedelta:
    """Return how long one look may speak for: until the next one is due, and it may be late."""
    return 2 * every + timedelta(minutes=1)


def spells(looks: Iterable[Looks], longest: timedelta) -> Iterator[Spell]:
    """Yield the spells that looks make: of a quiet month a few hundred, instead of a hundred thousand looks."""
    most = longest // timedelta(milliseconds=1)
    for times, statuses in (part for one in looks for part in _parts(one)):
        if len(set(statuses)) == 1 and max(map(sub, times[1:], times), default=0) <= most:
            yield times[0], times[-1], statuses[0]
        else:
            yield from ((at, at, status) for at, status in zip(times, statuses, strict=True))


def _parts(looks: Looks) -> Iterator[Looks]:
    """Cut looks into parts: what happened in one of them does not make all the others slow."""
    times, statuses = looks
    for begin in range(0, len(times), PART):
        yield times[begin : begin + PART], statuses[begin : begin + PART]


def seen(
    looks: Iterable[Looks], days: Sequence[date], zone: str, longest: timedelta, now: datetime
) -> tuple[DaySeen, ...]:
    """Return how these days were until `now`. A look speaks until the next one, and for `longest` at most.

    `looks` are in order of time; those before the first day may reach into it.
    """
    ends = [_millis(begin_of(day, zone)) for day in (*days, days[-1] + timedelta(days=1))]
    until = min(_millis(now), ends[-1])
    sums = [[0, 0, 0, 0] for _ in days]
    place, most = 0, longest // timedelta(milliseconds=1)
    for (at, last, status), (after, _, _) in pairwise(chain(spells(looks, longest), ((until, until, 0),))):
        end = min(after, last + most, until)
        while at < end and place < len(days):
            stop = min(end, ends[place + 1])
            if stop > max(at, ends[place]):
                sums[place][status] += stop - max(at, ends[place])
            at = max(at, stop)  # noqa: PLW2901 - the rest of the same look
            place += at >= ends[place + 1]
    return tuple(_day(day, sums[n], min(until, ends[n + 1]) - ends[n]) for n, day in enumerate(days))


def _day(day: date, sums: Sequence[int], length: int) -> DaySeen:
    """What was looked at and could not be seen is as unknown as what was not looked at."""
    ok, warning, critical, _ = (one / 1000 for one in sums)
    unknown = max(0.0, length / 1000 - ok - warning - critical)
    return _shared(day, ok, warning, critical, round(unknown, 3))


@lru_cache(maxsize=1024)
def _shared(day: date, ok: float, warning: float, critical: float, unknown: float) -> DaySeen:
    """A hundred checks have a hundred times the same good days: they are kept once."""
    return DaySeen(date=day, ok=ok, warning=warning, critical=critical, unknown=unknown)


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
