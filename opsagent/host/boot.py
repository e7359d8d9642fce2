"""When this host began: its kernel, and its first process."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from opsagent.host.systemd import utc_now

_PROC = Path("/proc")
# NTP slews the wall clock all the time; whoever compares two answers must not see that.
_DRIFT = timedelta(seconds=2)
_told: list[datetime] = []
_START_TIME = 21 - 2  # field 22 of /proc/PID/stat, counted after the closing bracket of the name


def booted_at() -> datetime:
    """Return when the kernel booted (UTC, to the second): the same each time, unless the clock was set."""
    found = _exact_boot().replace(microsecond=0)
    known = _told[-1] if _told else found
    if abs(found - known) > _DRIFT:
        _told.clear()
    if not _told:
        _told.append(found)
    return _told[-1]


def first_process_at(proc: Path = _PROC) -> datetime | None:
    """Return when PID 1 started (UTC, to a hundredth of a second), None when /proc does not say.

    A container's services begin with its own PID 1, long after the kernel.
    """
    return process_began(1, proc)


def process_began(pid: int, proc: Path = _PROC) -> datetime | None:
    """Return when a process started, as above; None also when there is none."""
    try:
        stat = (proc / str(pid) / "stat").read_text(errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[_START_TIME])
    except (OSError, ValueError, IndexError):
        return None
    return _exact_boot() + timedelta(seconds=ticks / os.sysconf("SC_CLK_TCK"))


def _exact_boot() -> datetime:
    return utc_now() - timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
