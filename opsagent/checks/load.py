"""How many tasks want a processor, for each processor there is."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from opsagent.core.observation import Measure, Reading, Status, grade, lowest
from opsagent.core.quantity import in_order, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The load average of the last 5 minutes, divided by the number of processors.

    warning: tasks per processor at which it is a finding; 2 means that each waits as long as it works.
    critical: tasks per processor at which it is critical, or null for never.
    """

    HOLD: ClassVar[timedelta] = timedelta(minutes=15)

    warning: float | None = 2.0
    critical: float | None = None

    def __post_init__(self) -> None:
        """Refuse at once limits that could never be met, or never be broken (ValueError)."""
        within("warning", self.warning, 0, 1000)
        within("critical", self.critical, 0, 1000)
        in_order(("warning", self.warning), ("critical", self.critical))

    def observe(self) -> Reading:
        """Return the load per processor now."""
        processors = os.cpu_count() or 1
        one, five, fifteen = os.getloadavg()
        reading = self.graded(100 * five / processors, 0)
        message = f"load {one:.2f}, {five:.2f}, {fifteen:.2f} over 1, 5, 15 min on {processors} processors"
        return replace(reading, message=message, measures=(*reading.measures, Measure(name="load1", value=one)))

    def graded(self, value: float, at: float) -> Reading:
        """Judge the load in percent of the processors, so that 5 points are a small step, not two whole tasks."""
        del at
        warning, critical = (None if one is None else 100 * one for one in (self.warning, self.critical))
        status = grade(value, warning, critical)
        return Reading(
            status=status,
            message=f"load {value / 100:.2f} for each processor",
            failure_class=None if status is Status.OK else "high",
            measures=(Measure(name="load", value=value, unit="%", limit=lowest(warning, critical)),),
        )

    def question(self) -> Check:
        """Return this check without its limits."""
        return replace(self, warning=None, critical=None)
