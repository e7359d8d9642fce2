"""How busy the processors were since the previous look."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import psutil

from opsagent.core.observation import Measure, Reading, Status, grade, lowest
from opsagent.core.quantity import in_order, within
from opsagent.core.timing import spoken

_TOO_SHORT = 0.5
"""Seconds under which two samples say more about the kernel's tick than about the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Share of the processors' time that was spent working, all processors together.

    warning: percent at which it is a finding; 85 is where queues begin to grow.
    critical: percent at which it is critical, or null for never; a busy processor alone wakes nobody.
    """

    HOLD: ClassVar[timedelta] = timedelta(minutes=15)

    warning: float | None = 85.0
    critical: float | None = None

    def __post_init__(self) -> None:
        """Refuse at once limits that could never be met, or never be broken (ValueError)."""
        within("warning", self.warning, 0, 100)
        within("critical", self.critical, 0, 100)
        in_order(("warning", self.warning), ("critical", self.critical))

    def observe(self) -> Reading:
        """Return the percentage since the previous look of any cpu check (since boot at the very first)."""
        percent, seconds = _percent()
        reading = self.graded(percent, 0)
        return replace(reading, message=f"{reading.message} over the last {spoken(timedelta(seconds=seconds))}")

    def graded(self, value: float, at: float) -> Reading:
        """Judge a percentage."""
        del at
        status = grade(value, self.warning, self.critical)
        return Reading(
            status=status,
            message=f"processors {value:.0f} % busy",
            failure_class=None if status is Status.OK else "high",
            measures=(Measure(name="cpu", value=value, unit="%", limit=lowest(self.warning, self.critical)),),
        )

    def question(self) -> Check:
        """Return this check without its limits."""
        return replace(self, warning=None, critical=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Seconds since boot that were spent working, and in all, summed over the processors."""

    at: float
    busy: float
    total: float
    answer: tuple[float, float]


_previous = _Sample(at=float("-inf"), busy=0.0, total=0.0, answer=(0.0, 0.0))


def _percent() -> tuple[float, float]:
    """Return (percent, seconds it covers). Looks that come too close together share one answer."""
    global _previous  # noqa: PLW0603 - a share of time needs the look before; one assignment, so no lock
    before, now = _previous, time.monotonic()
    if now - before.at < _TOO_SHORT:
        return before.answer
    times = psutil.cpu_times()
    # guest time is part of user time already; waiting for a disk is not work
    total = times.user + times.nice + times.system + times.irq + times.softirq + times.steal + times.idle + times.iowait
    busy = total - times.idle - times.iowait
    elapsed = total - before.total
    share = 100 * (busy - before.busy) / elapsed if elapsed > 0 else before.answer[0]
    percent = min(100.0, max(0.0, share))
    answer = (percent, elapsed / (psutil.cpu_count() or 1))
    _previous = _Sample(at=now, busy=busy, total=total, answer=answer)
    return answer
