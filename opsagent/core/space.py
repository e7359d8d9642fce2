"""The room left in a file system, and when it will be gone: plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TREND_OVER = timedelta(minutes=30)
"""How long room must have been shrinking before a forecast is worth anything: a copy is over by then."""
TREND_STEP = timedelta(minutes=1)
"""How far apart the looks are that a forecast rests on."""
_FAR = 1e9


@dataclass(frozen=True, slots=True)
class Space:
    """What a file system says of itself, in the order of `stat -f`: blocks, then inodes."""

    block: int
    blocks: int
    blocks_free: int
    blocks_available: int
    inodes: int
    inodes_free: int

    @property
    def free(self) -> int:
        """Bytes that everyone may still use: root's reserve counts neither as used nor as free."""
        return self.block * self.blocks_available

    @property
    def percent(self) -> float:
        """Percent of the bytes in use, as `df` counts."""
        used = self.blocks - self.blocks_free
        return 100 * used / (used + self.blocks_available) if used + self.blocks_available > 0 else 0.0

    @property
    def inodes_percent(self) -> float:
        """Percent of the inodes in use; 0 where the file system makes them as it needs them."""
        return 100 * (self.inodes - self.inodes_free) / self.inodes if self.inodes > 0 else 0.0


def time_left(seen: Sequence[tuple[float, int]], now: float, free: int) -> timedelta | None:
    """Forecast when nothing is left, from earlier looks of (seconds on one clock, bytes free), oldest first.

    None while the looks cover too little time, or when room is not shrinking. The slower of the whole span and
    its later half counts: what has stopped growing is no emergency.
    """
    if not seen or now - seen[0][0] < (TREND_OVER - TREND_STEP).total_seconds():
        return None
    starts = (seen[0], seen[len(seen) // 2])
    rates = [(was_free - free) / (now - at) for at, was_free in starts if now > at]
    slowest = min(rates, default=0.0)
    return timedelta(seconds=min(free / slowest, _FAR)) if slowest > 0 else None


def spoken_bytes(count: float) -> str:
    """Say a number of bytes as people do: `5 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - binary units
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
