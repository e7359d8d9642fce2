"""Whether a number grows steadily: a queue whose consumers do not keep up, as against one that fills and empties."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta

from opsagent.core.quantity import in_order

STEPS = 5
"""Parts of the span, each of which must lie higher than the one before."""
_SLOTS = 50
"""Points that are kept of a span, ten for each step: a look a second over a day need not be kept."""
_LEAST = timedelta(seconds=10)

Series = tuple[tuple[float, float], ...]
"""Points, oldest first: seconds since 1970, and the lowest number seen in the slot that begins then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How much a number may grow, step by step: it counts only if the lowest point of each fifth lies above the last.

    over: the span that is looked at; each fifth of it needs a look, so at least five times `every`.
    warning: growth within the span from which on it is a finding, in the number's own unit.
    critical: growth within the span from which on it is critical, or null for never.
    above: numbers up to this one may grow as they like.
    """

    over: timedelta
    warning: float | None = None
    critical: float | None = None
    above: float = 0.0

    def __post_init__(self) -> None:
        """Refuse at once what could never be judged (ValueError)."""
        if self.over < _LEAST:
            raise ValueError("cannot look at growth over less than 10s")
        if self.warning is None and self.critical is None:
            raise ValueError("cannot judge growth without a limit: warning, critical")
        in_order(("warning", self.warning), ("critical", self.critical))


def noted(series: Series, at: float, value: float, over: timedelta) -> Series:
    """Return the series with one more point, without what is older than the span or of a clock that was set back."""
    span = over.total_seconds()
    slot = span / _SLOTS
    begins = at // slot * slot
    kept = tuple(point for point in series if at - span - slot < point[0] <= begins)
    if kept and kept[-1][0] == begins:
        return (*kept[:-1], (begins, min(value, kept[-1][1])))
    return (*kept, (begins, value))


def grown(series: Series, at: float, over: timedelta) -> float | None:
    """Return by how much the lowest points rose from the first fifth of the span to the last, 0 if not steadily.

    None as long as some fifth was not seen.
    """
    step = over.total_seconds() / STEPS
    lows: dict[int, float] = {}
    for begins, value in series:
        fifth = int((at - begins) // step)
        lows[fifth] = min(value, lows.get(fifth, value))
    if not lows.keys() >= set(range(STEPS)):
        return None
    rising = [lows[fifth] for fifth in reversed(range(STEPS))]
    steadily = all(later > earlier for earlier, later in itertools.pairwise(rising))
    return rising[-1] - rising[0] if steadily else 0.0
