"""Every look as a number: buffered in memory, written once a minute. A crash may lose a minute of them, no more."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

import structlog

from opsagent.core.log_row import StoreError
from opsagent.core.sampled import class_of
from opsagent.core.trend import OVER
from opsagent.store import room
from opsagent.store.history import History
from opsagent.store.samples import NAME, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from opsagent.core.observation import Observation
    from opsagent.core.trend import Point

log = structlog.get_logger("opsagent")
WEEK, RECENT = timedelta(days=7), timedelta(minutes=10)
FEWEST = 12
"""Sums of five minutes that make something usual: an hour."""
PACE = 60.0  # seconds between two writings


def past(state: Path, checks: Iterable[str], now: datetime) -> dict[str, tuple[Point, ...]]:
    """Return what was recorded of these checks' numbers, five minutes at a time, as far back as a forecast looks.

    Read beside the writer, with a connection of its own: for any thread. Nothing when there is nothing to read.
    """
    try:
        with History.open(state / NAME) as history:
            sums = {check: history.sums(check, now - OVER, now) for check in checks}
    except (StoreError, OSError):
        return {}
    return {
        check: tuple((slot.at, slot.mean) for slot in slots if slot.mean is not None) for check, slots in sums.items()
    }


def usual(state: Path, check: str, now: datetime) -> float | None:
    """Return the median of a check's number in the week before the last ten minutes, None where there is too little."""
    try:
        with History.open(state / NAME) as history:
            slots = history.sums(check, now - WEEK, now - RECENT)
    except (StoreError, OSError):
        return None
    means = [slot.mean for slot in slots if slot.mean is not None]
    return median(means) if len(means) >= FEWEST else None


class Sampling:
    """Keeps samples while the disk lets us; that it does not is said once and stops nothing."""

    def __init__(self, state: Path, running: Callable[[], float], now: datetime) -> None:
        """Open the samples of a state directory; `running` gives seconds that nobody can set back."""
        self._state = state
        self._running = running
        self._next = running() + PACE
        self._said = ""
        self._samples: Samples | None = None
        try:
            self._samples = Samples.open(state / NAME, now)
        except (StoreError, OSError) as error:
            log.exception("no samples are kept", error=str(error))
        if self._samples is not None and self._samples.set_aside is not None:
            log.error("the samples were damaged and are set aside", kept_at=str(self._samples.set_aside))

    def add(self, seen: Observation) -> None:
        """Keep one look: its status, its first number, its failure class with what else is decided by."""
        if self._samples is not None:
            first = next(iter(seen.reading.measures), None)
            value = first.value if first is not None else None
            self._samples.add(seen.check, seen.at, seen.reading.status, value, class_of(seen.reading))

    def turn(self, now: datetime) -> None:
        """Write when it is time."""
        if self._samples is None or self._running() < self._next:
            return
        self._next = self._running() + PACE
        self._tried(lambda samples: samples.flush(now))

    def end(self) -> None:
        """Write what is left, and close."""
        self._tried(lambda samples: samples.close())
        self._samples = None

    def complaint(self) -> str:
        """Say what is wrong with the room that our files have, "" when there is enough."""
        try:
            return room.measure(self._state).complaint()
        except OSError as error:
            return f"cannot look at {self._state}: {error}"

    def _tried(self, write: Callable[[Samples], None]) -> None:
        if self._samples is None:
            return
        try:
            write(self._samples)
        except StoreError as error:
            if not self._said:
                log.warning("samples wait to be written", error=str(error))
            self._said = str(error)
        else:
            self._said = ""
