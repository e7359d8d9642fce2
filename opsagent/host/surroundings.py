"""What a diagnosis asks of the host: who listens, which file systems are full, which processes are stopped."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.evidence import Evidence, FileSystem, Neighbour, line_of
from opsagent.host import journal
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.cgroups import cgroup2_root
from opsagent.host.inventory import who_listens
from opsagent.host.listeners import ListenersError
from opsagent.host.mounts import Mount, mounts, space_of, watched_mounts
from opsagent.host.pressure import average
from opsagent.host.systemd import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opsagent.core.diagnosis.evidence import Line
    from opsagent.core.environment import Listener, Target
    from opsagent.core.unit import UnitSnapshot

_BEFORE_ITS_END, _AFTER_ITS_END = timedelta(seconds=30), timedelta(seconds=1)
_PATIENTLY = timedelta(seconds=5)  # a host that fails is often a busy one
_NUMBER = re.compile(r"(?<![\d.])[1-9]\d{1,4}(?![\d.])")
_HIGHEST = 65_535
_MOST_PROCESSES = 500
_MOST_SYSTEMS = 100
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_WAITS = 40.0  # percent of 10 s
_QUOTA, _INFINITY = "CPUQuotaPerSecUSec", 2**64 - 1  # microseconds a second
_OPEN_FILES = re.compile(r"^Max open files\s+(\d+)", re.MULTILINE)


def around(
    unit: UnitSnapshot | None, log: Iterable[str], kernel: Iterable[str], targets: Sequence[Target], scope: str
) -> Evidence:
    """Read what is around a failure. `log` and `kernel` are lines that were read already, as the journal gives them.

    `targets` are what the checks of the settings look at. What cannot be read is left out: it proves nothing.
    """
    pid = unit.main_pid if unit is not None else 0
    return Evidence(
        unit=unit,
        log=tuple(map(line_of, log)),
        kernel=tuple(map(line_of, kernel)),
        listeners=_listeners(scope),
        systems=tuple(_systems()),
        neighbours=tuple(_neighbours(targets)),
        given=tuple(dict.fromkeys(_given(unit, scope))) if unit is not None else (),
        stopped=tuple(_stopped(pid)) if pid else (),
        files=_files(pid) if pid else None,
        held=_held(pid, scope) if pid else "",
    )


def killers(unit: UnitSnapshot | None) -> tuple[Line, ...]:
    """Read who may have sent the signal that ended the unit: those who do so write it down just before.

    Asking the journal takes a moment; nothing that waits for a repair may ask.
    """
    if unit is None or unit.result != "signal":
        return ()
    end = unit.state_change_at or unit.read_at
    try:
        return tuple(map(line_of, journal.killers(end - _BEFORE_ITS_END, end + _AFTER_ITS_END, _PATIENTLY)))
    except journal.JournalError:
        return ()


def _listeners(scope: str) -> tuple[Listener, ...]:
    try:
        return who_listens(scope=scope, dated=True)
    except ListenersError:
        return ()


def _given(unit: UnitSnapshot, scope: str) -> Iterator[int]:
    """Return the numbers in the words of its command that may be ports; which of them is one, the listeners show."""
    with suppress(BusError, BusLostError):
        for command in connection(scope).properties(unit.name, "Service", ("ExecStart",)).value("ExecStart") or ():
            yield from (
                int(one) for word in command[1][1:] for one in _NUMBER.findall(str(word)) if int(one) <= _HIGHEST
            )


def _neighbours(targets: Iterable[Target]) -> Iterator[Neighbour]:
    for one in targets:
        if one.check:
            yield Neighbour(check=one.check, host=one.host, ports=(one.port,) if one.port else ())


def _systems() -> Iterator[FileSystem]:
    """Return the local file systems, also those in memory, where services write, and what is mounted read-only."""
    found = mounts()
    local = [one for one in watched_mounts(found) if not one.network]
    others = [one for one in found if one not in local and not one.network and _matters(one)]
    for mount in (*local, *others)[:_MOST_SYSTEMS]:
        with suppress(OSError):  # it was unmounted, or is closed to us
            yield _system(mount)


def _matters(mount: Mount) -> bool:
    """Whether a service may want to write there: in memory, the root of a container, what was bound read-only."""
    if mount.fs_type in _IN_MEMORY or mount.path == "/":
        return True
    return mount.read_only and (mount.watched or mount.fs_type == "overlay")


def _system(mount: Mount) -> FileSystem:
    space = space_of(mount.path)
    inodes = 100 * (space.inodes - space.inodes_free) / space.inodes if space.inodes else 0.0
    return FileSystem(path=mount.path, used=space.percent, inodes=inodes, read_only=mount.read_only)


def _stopped(pid: int) -> Iterator[str]:
    """Name the processes of the unit that a signal stopped: state T in proc(5). A debugger's are t."""
    for one in _of_the_unit(pid)[:_MOST_PROCESSES]:
        with suppress(OSError):
            stat = Path(f"/proc/{one}/stat").read_text(errors="replace")  # a program names itself as it likes
            name, _, rest = stat.partition(" (")[2].rpartition(") ")
            if rest.startswith("T"):
                yield f"{name} (pid {one})"


def _of_the_unit(pid: int) -> list[int]:
    root = cgroup2_root()
    try:
        listed = (root / _group(pid) / "cgroup.procs").read_text().split() if root else [str(pid)]
    except OSError:
        return [pid]
    return [int(one) for one in listed]


def _group(pid: int) -> str:
    """Return its control group below the root of cgroup2. OSError when the process is gone."""
    return Path(f"/proc/{pid}/cgroup").read_text(errors="surrogateescape").rpartition("0::/")[2].strip()


def _held(pid: int, scope: str) -> str:
    """Say how long the unit waited for a processor, and by whose CPUQuota=; "" when it did not, or by none."""
    root = cgroup2_root()
    with suppress(OSError, BusError, BusLostError):
        group = _group(pid)
        waited = average(root / group / "cpu.pressure", "some") if root else None
        for name in reversed(group.split("/")) if waited is not None and waited >= _WAITS else ():
            kind = "Slice" if name.endswith(".slice") else "Service"
            quota = connection(scope).properties(name, kind, (_QUOTA,)).value(_QUOTA)
            if quota is not None and quota != _INFINITY:
                return f"it waited for a processor {waited:.0f} % of 10 s, by CPUQuota={quota / 10_000:g}% of {name}"
    return ""


def _files(pid: int) -> tuple[int, int] | None:
    """Return how many files the process has open, and may; the kernel counts them for everybody since 6.2."""
    try:
        count = Path(f"/proc/{pid}/fd").stat().st_size
        limit = _OPEN_FILES.search(Path(f"/proc/{pid}/limits").read_text())
    except OSError:
        return None
    return (count, int(limit[1])) if count and limit else None
