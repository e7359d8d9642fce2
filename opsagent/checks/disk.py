"""How full a file system is: bytes and inodes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from opsagent.core.observation import Measure, Reading, Severity, Status, grade, lowest
from opsagent.core.quantity import Bytes

_PAGE_AT = 95.0
"""Percent at which a person is told now: what is left goes faster than a working day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A file system: percent of bytes and inodes in use as `df` counts them, or bytes left.

    path: any path on the file system.
    warning: percent in use at which it is a finding.
    critical: percent in use at which it is critical.
    free_below: bytes left under which it is critical, or null for percent alone.
    """

    path: str
    warning: float | None = 85.0
    critical: float | None = 90.0
    free_below: Bytes | None = None

    def observe(self) -> Reading:
        """Ask the file system."""
        found = os.statvfs(self.path)
        space = _percent(found.f_blocks - found.f_bfree, found.f_bavail)
        inodes = _percent(found.f_files - found.f_ffree, found.f_favail)
        free = found.f_bavail * found.f_frsize
        return self._graded(space, inodes, free)

    def _graded(self, space: float, inodes: float, free: int) -> Reading:
        limit = lowest(self.warning, self.critical)
        used = Measure(name="disk", value=space, unit="%", limit=limit)
        files = Measure(name="inodes", value=inodes, unit="%", limit=limit)
        left = Measure(name="free", value=free, unit="bytes")
        told = f"{self.path} is {space:.0f} % full, {_bytes(free)} left; {inodes:.0f} % of its inodes used"
        scarce = self.free_below is not None and free < self.free_below
        by_space = Status.CRITICAL if scarce else grade(space, self.warning, self.critical)
        by_inodes = grade(inodes, self.warning, self.critical)
        first, second, status, failure_class = used, files, by_space, "full"
        if _RANK[by_inodes] > _RANK[by_space]:
            first, second, status, failure_class = files, used, by_inodes, "inodes"
        return Reading(
            status=status,
            message=told,
            failure_class=None if status is Status.OK else failure_class,
            severity=Severity.SEV2 if status is Status.CRITICAL and first.value >= _PAGE_AT else None,
            measures=(first, second, left),
        )


_RANK = {Status.OK: 0, Status.UNKNOWN: 0, Status.WARNING: 1, Status.CRITICAL: 2}


def _percent(used: int, available: int) -> float:
    """Return percent in use of what everyone may use: root's reserve counts neither as used nor as free."""
    return 100 * used / (used + available) if used + available > 0 else 0.0


def _bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004 - binary units
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
