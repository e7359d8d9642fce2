"""What holds a hand back on the whole host: root's HOLD, a package manager at work, too much load to judge."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from opsagent.core.unit import HostConditions
from opsagent.host.boot import booted_at
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.hold import held
from opsagent.host.pressure import average

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOLD = "/etc/opsagent/HOLD"
_PROC = Path("/proc")
# Held (flock or fcntl) while packages or configuration change. The folders can be searched by everyone, the files
# need not be readable: only their inode numbers are looked up.
_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/var/chef/cache/chef-client-running.pid",
)
# These hold the process id of whoever is at work, and are left behind after a crash.
_PID_FILES = (
    "/run/yum.pid",
    "/run/zypp.pid",
    "/var/cache/dnf/metadata_lock.pid",
    "/opt/puppetlabs/puppet/cache/state/agent_catalog_run.lock",
)
_LONGEST_PID = 20
_A_MOMENT = 0.1  # seconds
# Percent of the last 10 s in which work stood still for want of it.
_PRESSURE = (("cpu", "some", 60.0), ("memory", "full", 10.0), ("io", "full", 40.0))


def _in_use() -> float:
    """Measure for a moment. The pressure alone does not tell: who waits by his own CPUQuota= is counted in it too."""
    return psutil.cpu_percent(interval=_A_MOMENT)


def conditions(system_state: Callable[[], str], hold: str = HOLD) -> HostConditions:
    """Look at everything host-wide that a decision depends on, a few milliseconds at most.

    `system_state` asks systemd (`Systemd.system_state`); without an answer the state is `unknown`.
    """
    return HostConditions(
        hold=held(hold),
        busy=busy(),
        overload=overload(),
        system_state=_state(system_state),
        booted_at=booted_at(),
    )


def busy(locks: tuple[str, ...] = _LOCKS, pid_files: tuple[str, ...] = _PID_FILES, proc: Path = _PROC) -> str:
    """Say which package manager or configuration tool is at work, "" when none (or when it cannot be known)."""
    inodes = {inode: path for path in locks if (inode := _inode(path))}
    for inode, pid in _locked(proc):
        if inode in inodes:
            return f"{_name(pid, proc)} holds {inodes[inode]}"
    for path in pid_files:
        pid = _pid_in(path)
        if pid and (proc / pid).is_dir():
            return f"{_name(pid, proc)} holds {path}"
    return ""


def overload(pressure: Path = _PROC / "pressure", in_use: Callable[[], float] = _in_use) -> str:
    """Say why the host is too busy for a time-out to mean anything, "" when it is not or the kernel does not tell.

    `in_use` is the share of the processors' time that is used just now, in percent.
    """
    for resource, kind, limit in _PRESSURE:
        share = average(pressure / resource, kind)
        if share is not None and share >= limit and (resource != "cpu" or in_use() >= limit):
            return f"{resource} pressure ({kind}) is at {limit:g} % or more over 10 s"  # no figure: the same each time
    return ""


def _state(system_state: Callable[[], str]) -> str:
    try:
        return system_state()
    except (BusError, BusLostError):
        return "unknown"


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - pairs with the numbers of /proc/locks
    except OSError:
        return 0


def _locked(proc: Path) -> Iterator[tuple[int, str]]:
    """Yield (inode, pid) of each lock that is held. The device is not compared: overlays show another one."""
    try:
        lines = (proc / "locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, _, _, _, pid, place, *_] if place.count(":") == 2:  # noqa: PLR2004 - major:minor:inode
                yield int(place.rpartition(":")[2]), pid
            case _:
                continue  # somebody who waits for a lock (`->`): its holder has a line of its own


def _pid_in(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_LONGEST_PID).strip()
    except OSError:
        return ""
    return text.decode() if text.isdigit() else ""


def _name(pid: str, proc: Path) -> str:
    try:
        return f"{(proc / pid / 'comm').read_text(errors='replace').strip()} (pid {pid})"
    except OSError:
        return f"a process (pid {pid})"
