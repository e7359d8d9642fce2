"""The kernel's table of sockets over netlink (sock_diag): what `ss -Hltun --cgroup` asks, for any user."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_LISTEN, _CLOSE = 10, 7
# What is asked for: a listening TCP socket, or a UDP socket that is bound but not connected.
_WANTED = {"tcp": (socket.IPPROTO_TCP, 1 << _LISTEN), "udp": (socket.IPPROTO_UDP, 1 << _CLOSE)}
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
_MESSAGE = struct.Struct("=BBBB2s2s16s16sI8sIIIII")
_ATTRIBUTE = struct.Struct("=HH")
_V6_ONLY, _CGROUP_ID = 11, 21
_TIMEOUT = 2.0
_BUFFER = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagSocket:
    """One row. `cgroup` is the id of the control group it was made in, 0 when the kernel does not tell."""

    protocol: str
    address: str
    port: int
    inode: int
    cgroup: int
    v6_only: bool
    uid: int = 0


def listening() -> tuple[DiagSocket, ...]:
    """Return every listening TCP and bound UDP socket of this network namespace. Raises OSError."""
    found: list[DiagSocket] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(_TIMEOUT)
        netlink.bind((0, 0))
        for family in (socket.AF_INET, socket.AF_INET6):
            for protocol, (number, states) in _WANTED.items():
                found += _dump(netlink, protocol, _REQUEST.pack(family, number, 0, states))
    return tuple(found)


def _dump(netlink: socket.socket, protocol: str, request: bytes) -> Iterator[DiagSocket]:
    netlink.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
    while True:
        for kind, body in _messages(netlink.recv(_BUFFER)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                raise OSError(-struct.unpack_from("=i", body)[0], "sock_diag refused the question")
            row = parse(protocol, body)
            if row is not None:
                yield row


def _messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + _HEADER.size <= len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, place)
        yield kind, datagram[place + _HEADER.size : place + length]
        place += max((length + 3) & ~3, _HEADER.size)


def parse(protocol: str, body: bytes) -> DiagSocket | None:
    """Read one inet_diag_msg; None for a socket that is connected to somebody."""
    family, _, _, _, port, peer, source, _, _, _, _, _, _, uid, inode = _MESSAGE.unpack_from(body)
    if peer != b"\0\0":
        return None
    attributes = dict(_attributes(body[_MESSAGE.size :]))
    return DiagSocket(
        protocol=protocol,
        address=socket.inet_ntop(family, source if family == socket.AF_INET6 else source[:4]),
        port=int.from_bytes(port, "big"),
        inode=inode,
        cgroup=int.from_bytes(attributes.get(_CGROUP_ID, b""), "little"),
        v6_only=any(attributes.get(_V6_ONLY, b"")),
        uid=uid,
    )


def _attributes(rest: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + _ATTRIBUTE.size <= len(rest):
        length, kind = _ATTRIBUTE.unpack_from(rest, place)
        yield kind, rest[place + _ATTRIBUTE.size : place + length]
        place += max((length + 3) & ~3, _ATTRIBUTE.size)
