"""What the repairs of one unit have in common: too many, more and more often, in step, after changes, with memory."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause
from opsagent.core.timing import elapsed, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from opsagent.core.state import Heal

# Heals that are still too many although everything is green.
CHRONIC = ((3, timedelta(hours=1)), (5, timedelta(hours=24)))
LATEST = 11
"""So many of the last repairs are asked what they have in common: what was cured long ago says nothing."""
FEWEST_GAPS = 4
IN_STEP, OFF_STEP = 0.8, 0.1
"""In step: four of five gaps (of four, all) differ from their median by a tenth of it at most."""
CERTAIN = 2.6
"""Standard deviations of Kendall's count of falling pairs: by chance that happens once in 200 times."""
SHORTER = 0.5
SHARE, FEWEST = 0.6, 3
_MEMORY = ("out-of-memory", "oom")


class Kind(StrEnum):
    """Why repairs that work are not the end of it."""

    TOO_MANY = "too_many"
    MORE_OFTEN = "more_often"
    PERIODIC = "periodic"
    AFTER_CHANGES = "after_changes"
    WITH_MEMORY = "with_memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One of them, in words; of too many, how many in which time."""

    kind: Kind
    said: str


def signs_of(heals: Sequence[Heal], now: datetime) -> tuple[Sign, ...]:
    """Return what is remarkable in the repairs of one unit, oldest first; nothing for most of them."""
    latest = heals[-LATEST:]
    found = (_too_many(heals, now), _more_often(latest), _periodic(latest), _after_changes(latest), _memory(latest))
    return tuple(sign for sign in found if sign is not None)


def too_many(heals: Sequence[Heal], now: datetime) -> tuple[int, timedelta] | None:
    """Return how many there were in which time, when that is too many."""
    for limit, within in CHRONIC:
        recent = sum(elapsed(heal.at, now) < within for heal in heals)
        if recent >= limit:
            return recent, within
    return None


def gaps_of(heals: Sequence[Heal]) -> list[float]:
    """Return the seconds from each failure to the next."""
    return [(later.began - earlier.began).total_seconds() for earlier, later in pairwise(heals)]


def lasting(seconds: float) -> str:
    """Return so many seconds as an operator says them."""
    return spoken(timedelta(seconds=seconds))


def common_cause(heals: Sequence[Heal]) -> str:
    """Return the cause that most of them had, "" when none did."""
    causes = Counter(heal.cause for heal in heals if heal.cause)
    cause, count = next(iter(causes.most_common(1)), ("", 0))
    return cause if count >= SHARE * len(heals) else ""


def in_words(cause: str) -> str:
    """Return a cause for a person: where only the kind of the failure is known (`status`), that none was found."""
    return cause if cause in {one.value for one in Cause} else f"no known cause ({cause})"


def _too_many(heals: Sequence[Heal], now: datetime) -> Sign | None:
    found = too_many(heals, now)
    return None if found is None else Sign(kind=Kind.TOO_MANY, said=f"{found[0]} times in {spoken(found[1])}")


def _more_often(heals: Sequence[Heal]) -> Sign | None:
    """Whether the gaps shrink: most pairs of them fall (Mann and Kendall), and the later half is half as long."""
    gaps = gaps_of(heals)
    count = len(gaps)
    if count <= FEWEST_GAPS:
        return None
    pairs = [(gaps[i], gaps[j]) for i in range(count) for j in range(i + 1, count)]
    falling = sum((later < earlier) - (later > earlier) for earlier, later in pairs)
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    before, after = median(gaps[: count // 2]), median(gaps[-(count // 2) :])
    if (falling - 1) / spread < CERTAIN or after > before * SHORTER:
        return None
    return Sign(kind=Kind.MORE_OFTEN, said=f"more and more often: {lasting(before)} apart before, {lasting(after)} now")


def _periodic(heals: Sequence[Heal]) -> Sign | None:
    gaps = gaps_of(heals)
    if len(gaps) < FEWEST_GAPS:
        return None
    usual = median(gaps)
    near = sum(abs(gap - usual) <= usual * OFF_STEP for gap in gaps)
    if usual <= 0 or near < max(FEWEST_GAPS, math.ceil(IN_STEP * len(gaps))):
        return None
    return Sign(kind=Kind.PERIODIC, said=f"every {lasting(usual)}")


def _after_changes(heals: Sequence[Heal]) -> Sign | None:
    return _shared(Kind.AFTER_CHANGES, heals, lambda heal: bool(heal.after_change), "after a change of its own")


def _memory(heals: Sequence[Heal]) -> Sign | None:
    grown = "with its memory grown or used up before"
    return _shared(Kind.WITH_MEMORY, heals, lambda heal: heal.cause in _MEMORY or heal.memory_grew, grown)


def _shared(kind: Kind, heals: Sequence[Heal], has: Callable[[Heal], bool], words: str) -> Sign | None:
    count = sum(map(has, heals))
    if count < max(FEWEST, SHARE * len(heals)):
        return None
    return Sign(kind=kind, said=f"{count} of {len(heals)} times {words}")
