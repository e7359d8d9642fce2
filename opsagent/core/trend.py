"""Where a number is going: how fast it grows and when it reaches its limit, from what was recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[datetime, float]

DAY = timedelta(days=1)
OVER = timedelta(days=7)
"""How far back a forecast looks."""
LEAST = timedelta(hours=6)
"""What was watched for less says nothing of tomorrow."""
FORESIGHT = 6
"""How many times the watched span a forecast may reach ahead: what a week shows is no word on next year."""
STEADY = 0.75
"""Share of all pairs of points that must have grown: what goes up and down is going nowhere."""
_BUCKETS, _FEWEST = 48, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """What a check will say `at` that time if all goes on as it did: `value` (% now) will be at `limit`.

    `per_day` is how much it grows. Of a certificate (unit `days`) the value is what is left, and the limit is its end.
    """

    check: str
    value: float
    limit: float
    per_day: float
    at: datetime
    unit: str = "%"


def forecast(check: str, value: float, limit: float, points: Sequence[Point], now: datetime) -> Coming | None:
    """Return when a number (%) that grows reaches its limit, or 100 when it is over the limit already.

    None where an honest answer is not possible: watched too short, no steady growth, or too far ahead. The last day
    speaks first, for what fills in hours must not drown in a week; but where the week has been as high before, it
    came down again.
    """
    goal = limit if value < limit else 100.0
    for window in (DAY, OVER):
        recent = [point for point in points if now - window <= point[0] <= now]
        highest = max((number for at, number in points if at < now - window), default=0.0)
        per_day = _growth(recent, now)
        if per_day <= 0 or value >= goal or value <= highest:
            continue
        days = (goal - value) / per_day
        if days <= FORESIGHT * ((now - recent[0][0]) / DAY):
            at = now + days * DAY
            return Coming(check=check, value=round(value, 1), limit=goal, per_day=round(per_day, 3), at=at)
    return None


def _growth(points: Sequence[Point], now: datetime) -> float:
    """Return the growth a day, 0 for none that can be relied on.

    The median of the slopes between all pairs (Theil and Sen): one clean-up or one copy does not move it. The slower
    of the whole and its later half counts: what has stopped growing is no emergency.
    """
    if not points or now - points[0][0] < LEAST:
        return 0.0
    means = _means(points)
    if len(means) < _FEWEST:
        return 0.0
    slopes = _slopes(means)
    if sum(slope > 0 for slope in slopes) < STEADY * len(slopes):
        return 0.0
    return max(0.0, min(median(slopes), median(_slopes(means[len(means) // 2 :]))))


def _means(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return at most 48 points (days since the first, mean value): pairs grow with the square of them."""
    first = points[0][0]
    width = max((points[-1][0] - first) / _BUCKETS, timedelta(seconds=1))
    buckets: dict[int, list[tuple[float, float]]] = {}
    for at, value in points:
        buckets.setdefault(min(int((at - first) / width), _BUCKETS - 1), []).append(((at - first) / DAY, value))
    return [(fmean(at for at, _ in many), fmean(value for _, value in many)) for _, many in sorted(buckets.items())]


def _slopes(means: Sequence[tuple[float, float]]) -> list[float]:
    return [(later - value) / (then - at) for (at, value), (then, later) in combinations(means, 2)]
