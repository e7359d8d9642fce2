"""Network interfaces and the default route, as the kernel shows them to everybody."""

from __future__ import annotations

import ipaddress
import socket
import time
from pathlib import Path

import psutil

from opsagent.core.link import Counters, Link

_NET = Path("/sys/class/net")
_PROC = Path("/proc")
_IFF_UP = 0x1
_REJECT = 0x200
_NOWHERE = "00000000"
_NOWHERE_6 = "0" * 32
_COUNTERS = {
    "received": "rx_packets",
    "received_damaged": "rx_errors",
    "received_dropped": "rx_dropped",
    "sent": "tx_packets",
    "sent_damaged": "tx_errors",
    "sent_dropped": "tx_dropped",
    "received_bytes": "rx_bytes",
    "sent_bytes": "tx_bytes",
}
_NAME_LIMIT = 15


def is_link_name(name: str) -> bool:
    """Say whether an interface may be called so."""
    return (
        0 < len(name) <= _NAME_LIMIT and name not in {".", ".."} and name.isprintable() and not set(name) & set("/: ")
    )


def link(name: str, net: Path = _NET, proc: Path = _PROC) -> Link | None:
    """Read an interface, None when there is none of that name."""
    here = net / name
    try:
        flags = int((here / "flags").read_text(encoding="ascii"), 16)
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        counters = {ours: _number(here / "statistics" / theirs) for ours, theirs in _COUNTERS.items()}
        return Link(
            name=name,
            made=f"{boot}/{_number(here / 'ifindex')}",
            on=bool(flags & _IFF_UP),
            state=(here / "operstate").read_text(encoding="ascii").strip(),
            carrier=_carrier(here),
            counters=Counters(**counters),
            at=time.clock_gettime(time.CLOCK_BOOTTIME),
        )
    except FileNotFoundError:
        return None


def default_link(proc: Path = _PROC) -> str:
    """Return the interface of the default route, of IPv4 before IPv6 and of the lowest metric; "" without one."""
    found = _routes(proc / "net/route") or _routes_6(proc / "net/ipv6_route")
    return min(found, default=(0, ""))[1]


def addresses_of(name: str) -> frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses of an interface."""
    known = psutil.net_if_addrs().get(name, ())
    texts = (one.address.partition("%")[0] for one in known if one.family in {socket.AF_INET, socket.AF_INET6})
    return frozenset(map(ipaddress.ip_address, texts))


def _routes(table: Path) -> list[tuple[int, str]]:
    """Return metric and interface of every way to everywhere."""
    rows = [line.split() for line in _lines(table)[1:]]
    return [(int(row[6]), row[0]) for row in rows if row[1] == row[7] == _NOWHERE and not int(row[3], 16) & _REJECT]


def _routes_6(table: Path) -> list[tuple[int, str]]:
    rows = [line.split() for line in _lines(table)]
    ways = [row for row in rows if (row[0], row[1]) == (_NOWHERE_6, "00") and not int(row[8], 16) & _REJECT]
    return [(int(row[5], 16), row[9]) for row in ways if row[9] != "lo"]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []  # a kernel without that family


def _carrier(here: Path) -> bool | None:
    """Return whether the other end is there; the kernel does not say while the interface is switched off."""
    try:
        return bool(_number(here / "carrier"))
    except OSError:
        return None


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
