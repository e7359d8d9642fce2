"""The only reader of the clocks: wall time for records, boot time (which counts sleep) to notice that it was set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

DRIFT = timedelta(seconds=5)


class Clock:
    """Wall and boot time, and how far they have moved apart since the last look."""

    def __init__(self) -> None:
        """Begin with the clocks as they are."""
        self._apart = self._offset()

    def now(self) -> datetime:
        """Return the wall time in UTC."""
        return datetime.now(UTC)

    def running(self) -> float:
        """Return seconds that nobody can set back; they go on while the host sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def jumped(self) -> timedelta | None:
        """Return by how much the wall clock was set since the last call, None for less than 5 s."""
        apart = self._offset()
        by = timedelta(seconds=apart - self._apart)
        if abs(by) <= DRIFT:
            return None
        self._apart = apart
        return by

    def _offset(self) -> float:
        return self.now().timestamp() - self.running()
