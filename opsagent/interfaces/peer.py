"""Who is at the other end of a socket: the kernel's word, taken when it connected, never the peer's own."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import struct
from dataclasses import dataclass

SO_PEERGROUPS = 59
"""From <asm-generic/socket.h>, Linux 4.13: the supplementary groups. Python has no name for it."""
_ROOM = 1024
"""Bytes, the most Python asks the kernel for: 256 groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A process that connected: its user id, its name, and all its groups' ids."""

    uid: int
    name: str
    groups: frozenset[int]

    def may_change(self, group: str) -> bool:
        """Tell whether it is root, the user we run as, or in that group."""
        return self.uid in {0, os.geteuid()} or _gid(group) in self.groups


def of(connection: socket.socket) -> Peer:
    """Return who connected. OSError when the kernel does not say."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, gid = struct.unpack("3i", packed)
    return Peer(uid=uid, name=user_name(uid), groups=frozenset({gid, *_supplementary(connection, uid, gid)}))


def user_name(uid: int) -> str:
    """Return a user's name, or `uid 1234` when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _supplementary(connection: socket.socket, uid: int, gid: int) -> tuple[int, ...]:
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _ROOM)
    except OSError as error:
        if error.errno == errno.ERANGE:  # a user in more groups than fit: what the host's database says of it
            return _written_down(uid, gid)
        if error.errno == errno.ENOPROTOOPT:
            return ()
        raise
    return struct.unpack(f"{len(packed) // 4}I", packed)


def _written_down(uid: int, gid: int) -> tuple[int, ...]:
    try:
        return tuple(os.getgrouplist(pwd.getpwuid(uid).pw_name, gid))
    except KeyError:
        return ()


def _gid(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None
