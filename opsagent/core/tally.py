"""How often something is logged, against how often it usually is: counts over a sliding time, and the past's hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median

STEPS = 20
"""Parts of the sliding time: what is older than it leaves with one part more or less."""
DAYS = 7
ENOUGH = 3
"""Days of which the same hour must be known before anything is called usual."""
_HOUR = 3600.0
_HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much is too much: `least` within the time, and more than `times` what is usual (None: whatever is usual)."""

    within: timedelta
    least: int
    times: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted: how many fell into each step, and the busiest time that ended in each hour of the last days.

    Steps and hours are numbered from 1970. An hour that is missing had none; hours before `since` nobody counted.
    `high` says that it became too much and is not yet over.
    """

    since: int
    steps: Mapping[int, int] = field(default_factory=dict)
    hours: Mapping[int, int] = field(default_factory=dict)
    high: bool = False


def begun(at: datetime) -> Tally:
    """Return an empty tally; the hour that has begun is not known whole."""
    return Tally(since=_hour(at.timestamp()) + 1)


def counted(tally: Tally, stamps: Iterable[float], now: datetime, within: timedelta) -> Tally:
    """Return the tally with what was logged at these moments (seconds of 1970); what lies ahead of `now` is left out.

    What is older than the last days, and the steps that no time that ends now still needs, are forgotten; so is what a
    clock that was set back has left ahead: it must not count when its time comes.
    """
    step = within.total_seconds() / STEPS
    last = int(now.timestamp() // step)
    fresh = Counter(int(stamp // step) for stamp in stamps)
    steps = Counter(tally.steps) + Counter({number: count for number, count in fresh.items() if number <= last})
    hours = _busiest(dict(tally.hours), steps, fresh, step)
    hour = _hour(now.timestamp())
    return replace(
        tally,
        steps={number: count for number, count in steps.items() if last - STEPS < number <= last},
        hours={one: count for one, count in hours.items() if hour - (DAYS + 1) * _HOURS_A_DAY <= one <= hour},
    )


def _busiest(hours: dict[int, int], steps: Mapping[int, int], fresh: Iterable[int], step: float) -> dict[int, int]:
    """Raise the hours in which a busier time ended; a time is at its busiest where something was logged."""
    ordered = sorted(steps)
    total, first = 0, 0
    new = set(fresh)
    for number in ordered:
        total += steps[number]
        while ordered[first] <= number - STEPS:
            total -= steps[ordered[first]]
            first += 1
        if number in new:
            hour = _hour(number * step)
            hours[hour] = max(hours.get(hour, 0), total)
    return hours


def current(tally: Tally, now: datetime, within: timedelta) -> int:
    """Return how many were logged within the time that ends now."""
    last = int(now.timestamp() // (within.total_seconds() / STEPS))
    return sum(count for number, count in tally.steps.items() if last - STEPS < number <= last)


def usual(tally: Tally, now: datetime) -> int | None:
    """Return the busiest time of this hour on an ordinary day, None while too few days are known.

    The hours beside it count too: a job that runs at three may be late, and clocks change.
    """
    hour = _hour(now.timestamp())
    if len(_of_hour(tally, hour)) < ENOUGH:
        return None
    return max(round(median(counts)) for beside in (-1, 0, 1) if (counts := _of_hour(tally, hour + beside)))


def _of_hour(tally: Tally, hour: int) -> list[int]:
    before = [hour - day * _HOURS_A_DAY for day in range(1, DAYS + 1)]
    return [tally.hours.get(one, 0) for one in before if one >= tally.since]


def judged(tally: Tally, limit: Limit, now: datetime) -> Tally:
    """Return the tally with `high` as it is now: what was too much is over when it has fallen to half of that."""
    count, most = current(tally, now, limit.within), allowed(tally, limit, now)
    return replace(tally, high=2 * count > most + 1 if tally.high else count > most)


def allowed(tally: Tally, limit: Limit, now: datetime) -> int:
    """Return the greatest count that is not yet too much."""
    known = usual(tally, now) if limit.times is not None else None
    return max(limit.least - 1, int((limit.times or 0) * (known or 0)))


def _hour(seconds: float) -> int:
    return int(seconds // _HOUR)
