"""How many tasks want a processor, for each processor there is."""

from __future__ import annotations

import os
from dataclasses import dataclass
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
        status = grade(five / processors, self.warning, self.critical)
        return Reading(
            status=status,
            message=f"load {one:.2f}, {five:.2f}, {fifteen:.2f} over 1, 5, 15 min on {processors} processors",
            failure_class=None if status is Status.OK else "high",
            measures=(self._share(five / processors), Measure(name="load1", value=one)),
        )

    def _share(self, load: float) -> Measure:
        """Write the load in percent of the processors, so that 5 points are a small step, not two whole tasks."""
        limit = lowest(self.warning, self.critical)
        return Measure(name="load", value=100 * load, unit="%", limit=None if limit is None else 100 * limit)
