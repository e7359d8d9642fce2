"""Control groups: from the kernel's id of one to the systemd unit whose it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MOST_GROUPS = 20_000
_DEEPEST = 16


def cgroup2_root(mountinfo: Path = Path("/proc/self/mountinfo")) -> Path | None:
    """Return where the cgroup2 hierarchy is mounted (on hybrid hosts `unified`), None when it is not."""
    try:
        lines = mountinfo.read_text(errors="replace").splitlines()
    except OSError:
        return None
    mounts = (line.split() for line in lines if " - cgroup2 " in line)
    return next((Path(fields[4]) for fields in mounts), None)


def paths_of(ids: Iterable[int], root: Path) -> dict[int, str]:
    """Return the path below `root` of each control group id (the inode number of its directory)."""
    wanted = set(ids)
    found: dict[int, str] = {}
    for inode, path in _walk(root):
        if inode in wanted:
            found[inode] = path
            if len(found) == len(wanted):
                break
    return found


def units_in(path: str) -> tuple[str | None, str | None]:
    """Return the system unit and the user unit that a control group belongs to.

    The unit is the first part that is no slice; what a unit makes below its own group is its own matter. Below a
    user's manager follows the user unit by the same rule.
    """
    parts = [part for part in path.split("/") if part and not part.endswith(".slice")]
    unit = parts[0] if parts and _is_unit(parts[0]) else None
    managed = unit is not None and unit.startswith("user@") and len(parts) > 1 and _is_unit(parts[1])
    return unit, parts[1] if managed else None


def first_process(group: Path) -> int | None:
    """Return the lowest process id in a control group, None when it is empty or unreadable."""
    try:
        return min((int(line) for line in (group / "cgroup.procs").read_text().split()), default=None)
    except (OSError, ValueError):
        return None


def traffic(root: Path) -> Iterator[tuple[str, int]]:
    """Yield each system service with the bytes it has read and written, where the kernel counts them."""
    for file in sorted(root.glob("system.slice/*.service/io.stat")):
        try:
            words = file.read_text().split()
        except OSError:
            continue  # it ended while we looked
        yield file.parent.name, sum(int(word[7:]) for word in words if word.startswith(("rbytes=", "wbytes=")))


def memory_used(units: Iterable[str], root: Path = Path("/sys/fs/cgroup")) -> Iterator[tuple[str, int]]:
    """Yield each of these system services that runs, with its own memory (bytes), where the kernel counts it.

    Without the files that the kernel keeps for it: those grow as long as there is room, and mean nothing.
    """
    for unit in units:
        found = (_own_memory(root / folder / "system.slice" / unit / "memory.stat") for folder in ("", "memory"))
        used = next((one for one in found if one is not None), None)
        if used is not None:
            yield unit, used


def _own_memory(file: Path) -> int | None:
    try:
        fields = dict(line.split(maxsplit=1) for line in file.read_text().splitlines())
        return int(fields["total_rss"] if "total_rss" in fields else fields["anon"])  # cgroup v1, else v2
    except (OSError, ValueError, KeyError):
        return None


def unit_of_process(pid: int, proc: Path = Path("/proc")) -> tuple[str | None, str | None]:
    """Return the system unit and user unit of a process, from its own list of control groups."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return None, None
    groups: Mapping[str, str] = {fields[1]: fields[2] for line in lines if len(fields := line.split(":", 2)) == 3}  # noqa: PLR2004 - hierarchy:controllers:path
    return units_in(groups.get("name=systemd") or groups.get("", "/"))


def _is_unit(part: str) -> bool:
    return part.endswith((".service", ".scope", ".socket", ".mount", ".swap"))


def _walk(root: Path) -> Iterator[tuple[int, str]]:
    waiting = [(str(root), "", 0)]
    looked = 0
    while waiting and looked < _MOST_GROUPS:
        folder, path, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                below = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # it ended while we looked
        for entry in below:
            looked += 1
            yield entry.inode(), f"{path}/{entry.name}"
            if depth < _DEEPEST:
                waiting.append((entry.path, f"{path}/{entry.name}", depth + 1))
