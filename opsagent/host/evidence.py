"""What was going on when a unit failed, read beside its repair.

Every part has a bound of its own and says when it could not be read. Nothing is redacted here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from opsagent.host import cgroups, journal
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.listeners import ListenersError, listeners
from opsagent.host.mounts import mounts, watched_mounts
from opsagent.host.systemd import connection, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

LONGEST_LINE = 500
_UNIT_LINES = 50
_KERNEL_LINES = 200
_MOST_LISTENERS = 50
_TOP = 5
_MOST_PROCESSES = 2_000
_PATIENTLY = timedelta(seconds=5)
_NEARLY_FULL = 85.0
_ENDED = {1: "exited with status", 2: "was killed by signal", 3: "dumped core at signal"}
"""By the codes of waitid(2), CLD_EXITED and on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the evidence. `unread` says why it could not be read, "" when it was."""

    title: str
    lines: tuple[str, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was read about a unit (None: about the host) at one moment; each line at most 500 characters."""

    unit: str | None
    parts: tuple[Part, ...]

    def lines(self, title: str) -> tuple[str, ...]:
        """Return the lines of one part, none where it could not be read."""
        return next((part.lines for part in self.parts if part.title == title), ())


def gather(unit: str | None, since: datetime, scope: str = "system") -> Evidence:
    """Read how the unit stands, its last 50 log lines, who listens, processes, disks, the kernel's lines."""
    parts = [] if unit is None else [_part("unit", lambda: _unit(unit, scope))]
    if unit is not None:
        parts.append(_part("log", lambda: journal.lines(unit, since, _UNIT_LINES, scope, _PATIENTLY)))
    return Evidence(
        unit=unit,
        parts=(
            *parts,
            _part("listeners", _listeners),
            _part("memory and load", _memory_and_load),
            _part("processes", _processes),
            _part("disk traffic", _disk_traffic),
            _part("nearly full", _nearly_full),
            _part("kernel", lambda: journal.kernel_lines(since, _KERNEL_LINES)),
        ),
    )


def _part(title: str, read: Callable[[], tuple[str, ...]]) -> Part:
    try:
        lines = read()
    except (journal.JournalError, ListenersError, BusError, BusLostError, OSError, psutil.Error) as error:
        return Part(title=title, unread=str(error)[:LONGEST_LINE])
    return Part(title=title, lines=tuple(line[:LONGEST_LINE] for line in lines))


def _unit(name: str, scope: str) -> tuple[str, ...]:
    """Say how systemd sees it, and how its main process ended."""
    found = connection(scope).snapshot(name)
    if found is None:
        return (f"there is no unit {name}",)
    how = _ENDED.get(found.exec_main_code, "")
    ended = f", its main process {how} {found.exec_main_status}" if how else ""
    return (
        f"{found.active_state} ({found.sub_state}), result {found.result}{ended}",
        f"{found.load_state}, {found.unit_file_state or 'no file'}, restarted by systemd {found.nrestarts} times",
    )


def _disk_traffic() -> tuple[str, ...]:
    """Return the units that read and write most, since each began: the kernel tells it of groups, to everybody."""
    root = cgroups.cgroup2_root()
    found = [] if root is None else [(total, unit) for unit, total in cgroups.traffic(root) if total]
    return tuple(f"{_mebibytes(total)} read and written: {unit}" for total, unit in sorted(found, reverse=True)[:_TOP])


def _listeners() -> tuple[str, ...]:
    found = listeners()
    shown = [
        f"{one.protocol} {one.address} port {one.port}: {one.unit or 'unit not known'} ({one.process or '?'})"
        for one in found[:_MOST_LISTENERS]
    ]
    left = len(found) - len(shown)
    return (*shown, f"and {left} more") if left else tuple(shown)


def _memory_and_load() -> tuple[str, ...]:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    one, five, fifteen = os.getloadavg()
    return (
        f"memory {memory.percent:.0f} % used, {_mebibytes(memory.available)} available of {_mebibytes(memory.total)}",
        f"swap {swap.percent:.0f} % used of {_mebibytes(swap.total)}",
        f"load {one:.2f} {five:.2f} {fifteen:.2f} on {os.cpu_count()} processors",
    )


def _processes() -> tuple[str, ...]:
    """Return the processes that use most processor time (since each began, like ps) and most memory."""
    found = list(_shares())
    by_time = sorted(found, reverse=True)[:_TOP]
    by_memory = sorted(found, key=lambda one: one[1], reverse=True)[:_TOP]
    return (
        *(f"processor {share:5.1f} %: {who}" for share, _, who in by_time),
        *(f"memory {_mebibytes(resident)}: {who}" for _, resident, who in by_memory),
    )


def _shares() -> Iterator[tuple[float, int, str]]:
    now = utc_now().timestamp()
    for count, process in enumerate(psutil.process_iter()):
        if count == _MOST_PROCESSES:
            return
        try:
            with process.oneshot():
                times, age = process.cpu_times(), max(now - process.create_time(), 0.01)
                who = f"{process.name()} (pid {process.pid}, {process.username()})"
                yield 100 * (times.user + times.system) / age, process.memory_info().rss, who
        except psutil.Error:
            continue  # it ended while we looked


def _nearly_full() -> tuple[str, ...]:
    """Return the local file systems that are at least 85 % full; a network one could hold us."""
    lines = []
    for mount in watched_mounts(mounts()):
        if mount.network or not Path(mount.path).is_dir():
            continue
        space = os.statvfs(mount.path)
        used = _used(space.f_blocks - space.f_bfree, space.f_bavail)
        inodes = _used(space.f_files - space.f_ffree, space.f_favail)
        if max(used, inodes) >= _NEARLY_FULL:
            lines.append(f"{mount.path}: {used:.0f} % of its space, {inodes:.0f} % of its inodes used")
    return tuple(lines)


def _used(used: int, available: int) -> float:
    return 100 * used / (used + available) if used + available else 0.0


def _mebibytes(count: float) -> str:
    return f"{count / 2**20:.0f} MiB"
