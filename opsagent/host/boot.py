"""When this host began: its kernel, and its first process."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

_PROC = Path("/proc")
_START_TIME = 21 - 2  # field 22 of /proc/PID/stat, counted after the closing bracket of the name


def booted_at(proc: Path = _PROC) -> datetime | None:
    """Return when the kernel booted (UTC, to the second), None when /proc does not say."""
    seconds = _boot_seconds(proc)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def first_process_at(proc: Path = _PROC) -> datetime | None:
    """Return when PID 1 started (UTC, to about a second), None when /proc does not say.

    A container's services begin with its own PID 1, long after the kernel.
    """
    booted = _boot_seconds(proc)
    try:
        ticks = int((proc / "1" / "stat").read_text().rpartition(")")[2].split()[_START_TIME])
    except (OSError, ValueError, IndexError):
        return None
    return None if booted is None else datetime.fromtimestamp(booted + ticks / os.sysconf("SC_CLK_TCK"), UTC)


def _boot_seconds(proc: Path) -> int | None:
    try:
        lines = (proc / "stat").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("btime ")).split()[1])
    except (OSError, ValueError, IndexError, StopIteration):
        return None
