"""How much memory and swap is in use, and whether the host begins to suffer from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import psutil

from opsagent.core.observation import Measure, Reading, Severity, Status, grade, lowest
from opsagent.core.quantity import in_order, within

_PRESSURE = Path("/proc/pressure/memory")
_EXHAUSTED = 5.0
"""Percent of memory left under which, with pressure, the kernel is about to kill something."""
_SUFFERING = 10.0
"""Percent of the last minute in which some task waited for memory; less is ordinary paging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Memory in use, counted by what the kernel could still give away (MemAvailable), and swap in use.

    warning: percent of memory in use at which it is a finding.
    critical: percent of memory in use at which it is critical, or null for only when the host also suffers.
    swap_warning: percent of swap in use at which it is a finding, or null for never.
    """

    HOLD: ClassVar[timedelta] = timedelta(minutes=5)

    warning: float | None = 90.0
    critical: float | None = None
    swap_warning: float | None = 90.0

    def __post_init__(self) -> None:
        """Refuse at once limits that could never be met, or never be broken (ValueError)."""
        within("warning", self.warning, 0, 100)
        within("critical", self.critical, 0, 100)
        in_order(("warning", self.warning), ("critical", self.critical))
        within("swap_warning", self.swap_warning, 0, 100)

    def observe(self) -> Reading:
        """Return the percentages now; nearly none left and tasks waiting for it is worth waking a person."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        available = 100 * memory.available / memory.total
        pressure = _pressure()
        used = Measure(name="memory", value=100 - available, unit="%", limit=lowest(self.warning, self.critical))
        swapped = Measure(name="swap", value=swap.percent, unit="%", limit=self.swap_warning)
        waiting = Measure(name="pressure", value=pressure or 0.0, unit="%")
        told = f"memory {used.value:.0f} % used, {memory.available >> 20} MiB available"
        if swap.total:
            told += f"; swap {swap.percent:.0f} % used"
        if available < _EXHAUSTED and pressure is not None and pressure >= _SUFFERING:
            return Reading(
                status=Status.CRITICAL,
                message=f"{told}; tasks waited for memory in {pressure:.0f} % of the last minute",
                failure_class="exhausted",
                severity=Severity.SEV2,
                measures=(used, swapped, waiting),
            )
        return self._graded(told, used, swapped, waiting)

    def graded(self, value: float, at: float) -> Reading:
        """Judge the memory alone: what was in use of the swap is on no record."""
        del at
        used = Measure(name="memory", value=value, unit="%", limit=lowest(self.warning, self.critical))
        swapped = Measure(name="swap", value=0.0, unit="%", limit=self.swap_warning)
        return self._graded(f"memory {value:.0f} % used", used, swapped, Measure(name="pressure", value=0.0, unit="%"))

    def question(self) -> Check:
        """Return this check without its limits."""
        return replace(self, warning=None, critical=None, swap_warning=None)

    def _graded(self, told: str, used: Measure, swapped: Measure, waiting: Measure) -> Reading:
        status = grade(used.value, self.warning, self.critical)
        if status is not Status.OK:
            return Reading(status=status, message=told, failure_class="high", measures=(used, swapped, waiting))
        status = grade(swapped.value, self.swap_warning, None)
        if status is not Status.OK:
            return Reading(status=status, message=told, failure_class="swap", measures=(swapped, used, waiting))
        return Reading(status=status, message=told, measures=(used, swapped, waiting))


def _pressure() -> float | None:
    """Return the percentage of the last minute in which some task waited for memory, None if not measured."""
    try:
        first = _PRESSURE.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None  # a kernel without pressure information (CONFIG_PSI, or psi=0)
    fields = dict(field.partition("=")[::2] for field in first.split()[1:])
    return float(fields["avg60"])
