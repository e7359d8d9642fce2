"""A curve as a line of text: one bar for each number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

_BARS = "▁▂▃▄▅▆▇█"


def bars(numbers: Sequence[float]) -> str:
    """Return one bar for each number, the lowest for 0 and below, the highest for the greatest of them."""
    most = max(numbers, default=0)
    if most <= 0:
        return _BARS[0] * len(numbers)
    steps = len(_BARS) - 1
    return "".join(_BARS[max(0, min(steps, -int(-number * steps // most)))] for number in numbers)


def counted(times: Iterable[datetime], begins: datetime, slot: timedelta, slots: int) -> list[int]:
    """Return how many of these times lie in each of so many slots from `begins` on; the last one has its end too."""
    counts = [0] * slots
    for at in times:
        number = (at - begins) // slot
        if 0 <= number <= slots:
            counts[min(number, slots - 1)] += 1
    return counts
