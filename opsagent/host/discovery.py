"""What is on this host, for somebody who has no settings yet: looked at once, in a few seconds, nothing changed."""

from __future__ import annotations

import ipaddress
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import psutil

from opsagent.host.bus import BusError, BusLostError
from opsagent.host.health_page import ASKED_PORTS, health_status, health_url
from opsagent.host.listeners import ListenersError, ListeningSocket, listeners
from opsagent.host.mounts import mount_of, mounts, space_of, watched_mounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsagent.host.systemd import Systemd

BUDGET = timedelta(seconds=3)
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to


class FindingKind(StrEnum):
    """What was found."""

    LISTENER = "listener"
    SERVICE = "service"
    HEALTH = "health"
    NOT_ASKED = "not_asked"
    FAILED_UNIT = "failed_unit"
    FILE_SYSTEM = "file_system"
    MEMORY = "memory"
    SWAP = "swap"
    PROCESSOR = "processor"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found. `name` says which (a unit, a port, a path), `note` is for a person to read.

    `unit` is the unit behind it, if known; `port`, `protocol` and `address` belong to a listener or a health page
    (`url`, HTTP `status`). `percent` is how much is in use now: of a file system (bytes or
    inodes, whichever is more), of the memory, of the swap; for the processor the load of the last minute per processor.
    """

    kind: FindingKind
    name: str
    unit: str | None = None
    protocol: str = ""
    address: str = ""
    port: int | None = None
    url: str = ""
    status: int | None = None
    percent: float | None = None
    note: str = ""


def discover(systemd: Systemd, budget: timedelta = BUDGET) -> tuple[Finding, ...]:
    """Look around. What could not be read is a finding of kind `unread`; pages past the budget are `not_asked`."""
    ends = time.monotonic() + budget.total_seconds()
    try:
        found = listeners()
    except ListenersError as error:
        sockets: list[Finding] = [_unread("listeners", error)]
    else:
        sockets = [*_services(found), *_listeners(found), *_health_pages(found, ends)]
    return (*_units(systemd), *sockets, *_file_systems(), *_memory(), _processor())


def _units(systemd: Systemd) -> list[Finding]:
    try:
        failed = systemd.failed_units()
    except (BusError, BusLostError) as error:
        return [_unread("units", error)]
    return [
        Finding(kind=FindingKind.FAILED_UNIT, name=unit.name, unit=unit.name, note=f"failed: {unit.result}")
        for unit in failed
    ]


def _services(found: Sequence[ListeningSocket]) -> Iterator[Finding]:
    for unit in sorted({one.unit for one in found if one.unit and one.unit.endswith(".service")}):
        ports = sorted({f"{one.protocol} {one.port}" for one in found if one.unit == unit})
        yield Finding(kind=FindingKind.SERVICE, name=unit, unit=unit, note=f"listens on {', '.join(ports)}")


def _listeners(found: Sequence[ListeningSocket]) -> Iterator[Finding]:
    for one in found:
        yield Finding(
            kind=FindingKind.LISTENER,
            name=f"{one.protocol} {one.port}",
            unit=one.unit,
            protocol=one.protocol,
            address=one.address,
            port=one.port,
            note=one.process or "",
        )


def _health_pages(found: Sequence[ListeningSocket], ends: float) -> Iterator[Finding]:
    """Ask each port that may speak HTTP, once, on loopback only; name the TCP ports that were left alone."""
    open_ports = {one.port: one for one in reversed(found) if one.protocol == "tcp"}
    for port, one in sorted(open_ports.items()):
        address = _ANY.get(one.address, one.address)
        why_not = _why_not(one, address) or ("no time left" if time.monotonic() >= ends else "")
        if why_not:
            yield Finding(kind=FindingKind.NOT_ASKED, name=f"tcp {port}", unit=one.unit, port=port, note=why_not)
        elif (page := _page(address, port, one.unit)) is not None:
            yield page


def _page(address: str, port: int, unit: str | None) -> Finding | None:
    status = health_status(address, port)
    if status is None:
        return None
    url = health_url(address, port)
    return Finding(
        kind=FindingKind.HEALTH, name=url, unit=unit, port=port, url=url, status=status, note=f"answers {status}"
    )


def page_of(listener: Finding) -> Finding | None:
    """Ask one listener for its health page, where such a port may be asked at all."""
    address = _ANY.get(listener.address, listener.address)
    if listener.protocol != "tcp" or listener.port is None or _why_not(listener, address):
        return None
    return _page(address, listener.port, listener.unit)


def _why_not(one: Finding | ListeningSocket, address: str) -> str:
    if one.port not in ASKED_PORTS or not ipaddress.ip_address(address).is_loopback:
        return "only loopback ports 80, 443, 3000, 5000 and 8000-8999 are asked"
    if one.unit is not None and one.unit.endswith(".socket"):
        return f"asking would start the service behind {one.unit}"
    return ""


def _file_systems() -> list[Finding]:
    try:
        all_mounts = mounts()
    except OSError as error:
        return [_unread("file systems", error)]
    root = mount_of("/", all_mounts)
    chosen = watched_mounts(all_mounts) or ((root,) if root else ())  # a container's root is an overlay: still its own
    return [_file_system(mount.path, mount.fs_type, network=mount.network) for mount in chosen]


def _file_system(path: str, fs_type: str, *, network: bool) -> Finding:
    if network:
        return Finding(
            kind=FindingKind.FILE_SYSTEM, name=path, note=f"{fs_type}, over the network: not looked at, it could block"
        )
    try:
        space = space_of(path)
    except OSError as error:
        return _unread(path, error)
    inodes = f", {space.inodes_percent:.0f} % of its inodes" if space.inodes_percent > space.percent else ""
    used = max(space.percent, space.inodes_percent)
    return Finding(kind=FindingKind.FILE_SYSTEM, name=path, percent=used, note=fs_type + inodes)


def _memory() -> Iterator[Finding]:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    note = f"{memory.total / 2**30:.1f} GiB"
    yield Finding(kind=FindingKind.MEMORY, name="memory", percent=memory.percent, note=note)
    if swap.total:
        yield Finding(kind=FindingKind.SWAP, name="swap", percent=swap.percent, note=f"{swap.total / 2**30:.1f} GiB")


def _processor() -> Finding:
    count = os.cpu_count() or 1
    share = 100 * os.getloadavg()[0] / count
    return Finding(kind=FindingKind.PROCESSOR, name="processor", percent=share, note=f"{count} processors")


def _unread(name: str, error: Exception) -> Finding:
    return Finding(kind=FindingKind.UNREAD, name=name, note=str(error))
