"""What is known of how long one unit takes to start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

KEPT = 20
"""Starts that are kept of a unit: what it was like a year ago says little of tomorrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """The last starts of a unit that ended well, oldest first: `seconds` from InactiveExit to the first good look of
    all its checks. `invocation_id` is the last one's, so that none is counted twice.
    """

    seconds: tuple[float, ...] = ()
    invocation_id: str = ""

    @property
    def median(self) -> float:
        """What a start usually takes (s), 0 where none is known."""
        return median(self.seconds) if self.seconds else 0.0

    @property
    def p95(self) -> float:
        """What 95 of 100 starts do not exceed (s), by the nearest rank: of fewer than 20 that is the longest."""
        ranked = sorted(self.seconds)
        return ranked[math.ceil(0.95 * len(ranked)) - 1] if ranked else 0.0

    def with_one(self, seconds: float, invocation_id: str) -> Starts:
        """Return the same with one more start."""
        return Starts(seconds=(*self.seconds, seconds)[-KEPT:], invocation_id=invocation_id)
