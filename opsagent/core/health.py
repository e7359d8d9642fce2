"""How many looks it takes to believe: streaks, holds, hysteresis and flapping of one check."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Measure, Observation, Reading, Status

if TYPE_CHECKING:
    from opsagent.core.policy import CheckPolicy

# Nagios' own figures: the last 20 changes of state, recent ones weigh more (0.8 to 1.15).
FLAP_LOOKS = 21
FLAP_BEGINS = 30.0
FLAP_ENDS = 25.0
FLAP_LIGHTEST = 0.8
FLAP_HEAVIEST = 1.15

CLEAR_MARGIN = 5.0  # points below the limit before what was bad is good again
BLIND_AFTER = 3  # looks in a row that could not look, at the check's own pace
PACE = 0.9  # rounds are not exact to the second
BAD = (Status.WARNING, Status.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A check's confirmed `status` and the streaks that lead to the next one.

    `reading` is the last look, which came back at `at` and took `took`. `bad_since` and `good_since` are the first
    look of the current streak; `good`, `bad` and `blind` count it. `settled` is false until a status is confirmed.
    `over` names the measures that were over their limits since it went bad.
    """

    check: str
    status: Status = Status.UNKNOWN
    settled: bool = False
    since: datetime | None = None
    reading: Reading | None = None
    at: datetime | None = None
    took: timedelta = timedelta()
    good: int = 0
    bad: int = 0
    blind: int = 0
    blind_at: datetime | None = None
    bad_since: datetime | None = None
    good_since: datetime | None = None
    last_good_at: datetime | None = None
    over: frozenset[str] = frozenset()
    looks: tuple[bool, ...] = ()
    flapping: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether a failure of this check is believed."""
        return self.settled and self.status in BAD

    @property
    def suspicious(self) -> bool:
        """Whether the last looks were bad, believed or not."""
        return self.bad > 0

    def is_like(self, later: Health) -> bool:
        """Whether looks in between told nothing new: they went on as they were, and no streak began or ended."""
        return self._standing() == later._standing()

    def _standing(self) -> tuple[object, ...]:
        reading = self.reading
        said = (reading.status, reading.failure_class, reading.severity, reading.conclusive) if reading else ()
        streaks = (self.good > 0, self.bad > 0, self.blind)
        return (self.status, self.settled, self.flapping, self.over, *streaks, *said)

    @property
    def is_blind(self) -> bool:
        """Whether we have been unable to look for long enough to say so."""
        return self.blind >= BLIND_AFTER

    @property
    def percent_flapping(self) -> float:
        """Weighted share of changes among the last 20, in percent."""
        return flap_percent(self.looks)


def see(health: Health, seen: Observation, policy: CheckPolicy) -> Health:
    """Return the health after one more look."""
    reading = seen.reading
    if reading.status is Status.UNKNOWN:
        return _blind(health, seen, policy)
    good = reading.status is Status.OK and not (health.is_bad and _too_near(health, reading))
    counted = _good(health, seen, policy) if good else _bad(health, seen, policy)
    # what must last for a while may come and go without anybody minding: only what lasted is a change
    steady = good or (bool(policy.hold) and not counted.is_bad)
    looks = (*health.looks, steady)[-FLAP_LOOKS:]
    return replace(
        counted,
        reading=reading,
        at=seen.at,
        took=timedelta(seconds=seen.seconds),
        blind=0,
        blind_at=None,
        looks=looks,
        flapping=flap_percent(looks) >= FLAP_ENDS if health.flapping else flap_percent(looks) > FLAP_BEGINS,
    )


def notice(health: Health, seen: Observation) -> Health:
    """Return the health after a look that is shown and does not count, neither as bad nor as blind."""
    return replace(health, reading=seen.reading, at=seen.at, took=timedelta(seconds=seen.seconds))


def _blind(health: Health, seen: Observation, policy: CheckPolicy) -> Health:
    """Looks that follow each other faster than the check's own pace count as one: haste must not call it blind."""
    last = health.blind_at
    again = last is not None and timedelta() <= seen.at - last < policy.every * PACE
    count, at = (health.blind, last) if again else (health.blind + 1, seen.at)
    return replace(notice(health, seen), blind=count, blind_at=at)


def shifted(health: Health, by: timedelta) -> Health:
    """Return the health as it is by a clock that was set by so much."""

    def moved(at: datetime | None) -> datetime | None:
        return at + by if at is not None else None

    return replace(
        health,
        since=moved(health.since),
        at=moved(health.at),
        blind_at=moved(health.blind_at),
        bad_since=moved(health.bad_since),
        good_since=moved(health.good_since),
        last_good_at=moved(health.last_good_at),
    )


def _too_near(health: Health, reading: Reading) -> bool:
    """Whether a number that was over its limit is not yet far enough below it; what never was over it may stay near."""
    return any(one.name in health.over and one.value > _clears_at(one) for one in reading.measures)


def _clears_at(measure: Measure) -> float:
    """A limit of few points has no five to stay below: without the half, 3 % would never clear."""
    limit = measure.limit if measure.limit is not None and measure.unit == "%" else math.inf
    return limit - min(CLEAR_MARGIN, limit / 2)


def _over(reading: Reading) -> frozenset[str]:
    return frozenset(one.name for one in reading.measures if one.limit is not None and one.value >= one.limit)


def _good(health: Health, seen: Observation, policy: CheckPolicy) -> Health:
    """What was not seen is not good: a time of blindness begins the good streak anew."""
    kept = health.good if not health.is_blind else 0
    first = health.good_since if kept else seen.at
    held = health.is_bad and kept + 1 < policy.confirm.successes
    was_ok = health.settled and health.status is Status.OK
    return replace(
        health,
        good=kept + 1,
        bad=0,
        bad_since=None,
        over=health.over if held else frozenset(),
        good_since=first,
        last_good_at=seen.at,
        status=health.status if held else Status.OK,
        settled=True,
        since=health.since if held or was_ok else first,
    )


def _bad(health: Health, seen: Observation, policy: CheckPolicy) -> Health:
    first = health.bad_since if health.bad else seen.at
    over = health.over | _over(seen.reading)
    counted = replace(health, bad=health.bad + 1, good=0, good_since=None, bad_since=first, over=over)
    held = first is not None and seen.at - first >= policy.hold
    enough = seen.reading.conclusive or (counted.bad >= policy.confirm.failures and held)
    status = seen.reading.status if seen.reading.status in BAD else health.status
    if not enough and not health.is_bad:
        return counted
    since = health.since if health.is_bad else first
    return replace(counted, status=status, settled=True, since=since)


def flap_percent(looks: tuple[bool, ...]) -> float:
    """Return the weighted share of changes in percent; 0 until there are 20 changes to judge by.

    The weights run from 0.8 for the oldest to 1.15 for the newest change (Nagios, "state flapping").
    """
    if len(looks) < FLAP_LOOKS:
        return 0.0
    step = (FLAP_HEAVIEST - FLAP_LIGHTEST) / (FLAP_LOOKS - 2)
    pairs = itertools.pairwise(looks)
    weights = [FLAP_LIGHTEST + step * place for place, (old, new) in enumerate(pairs) if old != new]
    return 100.0 * sum(weights) / (FLAP_LOOKS - 1)
