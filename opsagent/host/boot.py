"""When this host's first process began: the boot, for real hosts and for containers alike."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

_START_TIME = 21 - 2  # field 22 of /proc/PID/stat, counted after the closing bracket of the name


def booted_at(proc: Path = Path("/proc")) -> datetime | None:
    """Return when PID 1 started (UTC, to about a second), None when /proc does not say.

    Not the kernel's boot: a container's services begin with its own PID 1.
    """
    try:
        since_boot = (proc / "1" / "stat").read_text().rpartition(")")[2].split()[_START_TIME]
        seconds = next(line for line in (proc / "stat").read_text().splitlines() if line.startswith("btime "))
        started = int(seconds.split()[1]) + int(since_boot) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return datetime.fromtimestamp(started, UTC)
