"""One question to one DNS server: the addresses of a name. Only what that needs of RFC 1035."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.stage import StageError, broken

if TYPE_CHECKING:
    from opsagent.checks.wire.stage import Stages

_TYPES = {"A": (1, 4), "AAAA": (28, 16)}
_REPLIES = {1: "format error", 2: "server failure", 3: "there is no such name", 5: "refused"}
_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_RECURSE, _IS_ANSWER, _CUT, _CODE, _POINTER = 0x0100, 0x8000, 0x0200, 0x000F, 0xC0
_TRIES = 3
_SIZE = 4096


def query(name: str, kind: str, server: tuple[str, int], stages: Stages) -> tuple[str, ...]:
    """Return the addresses of `name`, A or AAAA as `kind` says; StageError when there are none."""
    number, size = _TYPES[kind]
    target = shown(*server)
    label = secrets.randbelow(1 << 16)
    question = _HEADER.pack(label, _RECURSE, 1, 0, 0, 0) + _spelled(name) + struct.pack("!HH", number, 1)
    try:
        answer = _exchanged(question, server, stages)
        if _HEADER.unpack_from(answer)[1] & _CUT:
            answer = _exchanged_in_full(question, server, stages)
        code, found = _addresses(answer, question, number, size)
    except OSError as error:
        raise broken(error, f"no answer from DNS server {target} for {name}", stages, "dns") from error
    except (struct.error, IndexError, ValueError) as error:
        raise StageError(f"DNS server {target} answered nonsense for {name}", "protocol") from error
    if code:
        reason = _REPLIES.get(code, f"code {code}")
        raise StageError(f"DNS server {target} cannot resolve {name}: {reason}", "dns")
    if not found:
        raise StageError(f"DNS server {target} knows {name} but no {kind} address of it", "dns")
    return found


def _spelled(name: str) -> bytes:
    labels = name.encode("ascii").rstrip(b".").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _exchanged(question: bytes, server: tuple[str, int], stages: Stages) -> bytes:
    """Ask up to three times within the deadline: one lost packet is no failure."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(server)  # the kernel then drops what comes from anywhere else
        for tries_left in range(_TRIES, 0, -1):
            sock.send(question)
            sock.settimeout(stages.left() / tries_left)
            try:
                answer = sock.recv(_SIZE)
                while answer[:2] != question[:2]:  # a late answer to somebody else's question
                    sock.settimeout(stages.left())
                    answer = sock.recv(_SIZE)
            except TimeoutError:
                continue
            return answer
    raise TimeoutError


def _exchanged_in_full(question: bytes, server: tuple[str, int], stages: Stages) -> bytes:
    """Ask again over TCP: what does not fit into a datagram comes cut, often down to nothing."""
    with socket.create_connection(server, stages.left()) as sock:
        sock.sendall(struct.pack("!H", len(question)) + question)
        (length,) = struct.unpack("!H", _exactly(sock, 2, stages))
        return _exactly(sock, length, stages)


def _exactly(sock: socket.socket, count: int, stages: Stages) -> bytes:
    found = b""
    while len(found) < count:
        sock.settimeout(stages.left())
        chunk = sock.recv(count - len(found))
        if not chunk:
            raise ValueError("the answer broke off")
        found += chunk
    return found


def _addresses(answer: bytes, question: bytes, number: int, size: int) -> tuple[int, tuple[str, ...]]:
    """Return the reply code and the addresses of the wanted type, following no name: any alias ends in one."""
    _, flags, _, count, _, _ = _HEADER.unpack_from(answer)
    if not flags & _IS_ANSWER or answer[_HEADER.size : len(question)].lower() != question[_HEADER.size :].lower():
        raise ValueError("not an answer to this question")
    at, found = len(question), []
    for _ in range(count):
        at = _past_name(answer, at)
        kind, _, _, length = _RECORD.unpack_from(answer, at)
        at += _RECORD.size
        if kind == number and length == size:
            found.append(str(ipaddress.ip_address(answer[at : at + length])))
        at += length
    return flags & _CODE, tuple(found)


def _past_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] >= _POINTER:
            return at + 2
        at += answer[at] + 1
    return at + 1
