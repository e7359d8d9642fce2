"""A unit that systemd itself restarts again and again is read at a pace, and not at every change.

Each reading that differs is an event on the disk for ever; a loop of a few seconds would write a hundred thousand a day
and tell nothing new by it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 20
"""Changes that are read at once; systemd's own start limit ends a loop after fewer."""
WITHIN = 300.0  # seconds
PACE = 15.0  # seconds between two changes that are read of a unit with more of them


class Changes:
    """When units were last seen to change by systemd's own restarts."""

    def __init__(self, running: Callable[[], float] = time.monotonic) -> None:
        """Nothing has changed yet; `running` gives seconds that nobody can set back."""
        self._running = running
        self._seen: dict[str, deque[float]] = {}

    def note(self, unit: str) -> None:
        """Take note that a unit that systemd restarted differs from before."""
        self._seen.setdefault(unit, deque(maxlen=MOST)).append(self._running())

    def may_read(self, unit: str) -> bool:
        """Whether a hint is to be followed now; if not, it is to be kept until it may."""
        seen, now = self._seen.get(unit, deque()), self._running()
        return len(seen) < MOST or now - seen[0] > WITHIN or now - seen[-1] >= PACE
