"""Who listens where: the kernel's socket table with the unit behind each port. Asks the kernel, connects to nobody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.host import cgroups, sock_diag

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where systemd itself made the socket, its group says nothing of who serves it now.
_INIT = "init.scope"
_MOST_KNOWN = 10_000
_known: dict[int, str] = {}


class ListenersError(Exception):
    """The table of sockets could not be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningSocket:
    """One socket that waits for others. `protocol` is tcp or udp, `address` numeric (`0.0.0.0` and `::` mean any).

    `unit` is the system unit that made it, None when that cannot be known; `user_unit` the unit of a user's manager
    below it. `process` is the name of the first process there. `v4_too`: an IPv6 socket that answers IPv4 as well.
    `uid` is whose socket it is, `pid` that process, 0 when it is not known.
    """

    protocol: str
    address: str
    port: int
    unit: str | None = None
    process: str | None = None
    user_unit: str | None = None
    v4_too: bool = False
    uid: int = 0
    pid: int = 0


def listeners() -> tuple[ListeningSocket, ...]:
    """Return every listening TCP and bound UDP socket, by port. Raises ListenersError."""
    try:
        rows = sock_diag.listening()
    except OSError as error:
        raise ListenersError(f"cannot read the table of sockets: {error}") from error
    root = cgroups.cgroup2_root()
    groups = _groups({row.cgroup for row in rows if row.cgroup}, root)
    strays = {row.inode for row in rows if _INIT in groups.get(row.cgroup, _INIT)}
    holders = dict(_holders(strays)) if strays else {}
    found = (_described(row, root, groups.get(row.cgroup), holders.get(row.inode)) for row in rows)
    return tuple(sorted(found, key=lambda found: (found.port, found.protocol, found.address)))


def _groups(ids: set[int], root: Path | None) -> dict[int, str]:
    """Return the paths of these ids; the kernel never gives an id twice, so what was once found stays true."""
    found = {known: path for known in ids if (path := _known.get(known)) is not None}
    new = ids - found.keys()
    if root is not None and new:
        learned = cgroups.paths_of(new, root)
        found |= learned
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        _known.update(learned)
    return found


def _described(row: sock_diag.DiagSocket, root: Path | None, path: str | None, holder: int | None) -> ListeningSocket:
    if holder is not None:
        unit, user_unit = cgroups.unit_of_process(holder)
    else:
        unit, user_unit = cgroups.units_in(path or "")
        holder = cgroups.first_process(root / path.lstrip("/")) if root and path else None
    return ListeningSocket(
        protocol=row.protocol,
        address=row.address,
        port=row.port,
        unit=None if unit == _INIT else unit,
        process=_name(holder) if holder else None,
        user_unit=user_unit,
        v4_too=row.address == "::" and not row.v6_only,
        uid=row.uid,
        pid=holder or 0,
    )


def _name(pid: int) -> str | None:
    try:
        return (
            Path(f"/proc/{pid}/comm").read_text(errors="replace").strip() or None
        )  # a program names itself as it likes
    except OSError:
        return None


def _holders(inodes: set[int]) -> Iterator[tuple[int, int]]:
    """Find by their open files which processes hold these sockets: all for root, for others only their own."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - thousands of names; a Path for each costs more than the answer
        if name.isdecimal() and name != "1":
            yield from ((inode, int(name)) for inode in _sockets_of(f"/proc/{name}/fd") & inodes)


def _sockets_of(folder: str) -> set[int]:
    found = set()
    try:
        with os.scandir(folder) as files:
            for file in files:
                target = os.readlink(file.path)  # noqa: PTH115 - as above
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    except OSError:
        return found  # not ours to see, or gone
    return found
