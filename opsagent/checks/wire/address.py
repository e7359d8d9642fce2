"""Which addresses a look may go to. A health URL must never become a way to ask a cloud's metadata service."""

from __future__ import annotations

import functools
import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Clouds hand out credentials at these; most are link-local, these are the ones that are not.
_METADATA = {
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "169.254.169.254", "fd00:ec2::254", "fd20:ce::254")
}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NAME_LIMIT = 253
PORT_LIMIT = 65_535


def check_port(port: int) -> None:
    """Raise ValueError for what is no port."""
    if not 1 <= port <= PORT_LIMIT:
        raise ValueError(f"cannot use port {port}, allowed: 1 to {PORT_LIMIT}")


@functools.lru_cache(maxsize=4096)
def parse_host(host: str) -> Address | None:
    """Return the address that `host` spells, None for a name; ValueError for what is neither.

    `127.1`, `2130706433` and `0x7f.1` are addresses to the C library, and a way around every list: refused.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0] if ":" in host else host)
    except ValueError:
        pass
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError(f"cannot use host {host!r}: write an address as four decimal numbers, or a name")
    if len(host) > _NAME_LIMIT or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"cannot use host {host!r}: neither a name nor an address")
    return None


def unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address carries inside (mapped, 6to4, NAT64), else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and int(address) >> 32 == 0 and int(address) > 1:
        inside = ipaddress.IPv4Address(int(address))  # "::127.0.0.1", the deprecated compatible form
    return inside or address


@functools.lru_cache(maxsize=4096)
def refusal(address: Address, *, named: bool) -> str:
    """Say why this address may not be asked, "" if it may.

    `named` means that the settings name the host: only then may it be this host itself or a private network.
    """
    inside = unmapped(address)
    reasons = (
        (inside in _METADATA or address in _METADATA, "a cloud's metadata service"),
        (inside.is_link_local or address.is_link_local, "link-local"),
        (inside.is_multicast or address.is_multicast, "multicast"),
        (inside.is_unspecified, "unspecified"),
        (inside == ipaddress.IPv4Address("255.255.255.255"), "broadcast"),
        (not named and not inside.is_global, "not public, and the settings do not name it"),
    )
    return next((why for refused, why in reasons if refused), "")


def is_address(text: str) -> bool:
    """Say whether this is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
