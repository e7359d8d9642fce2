"""One question to an NTP server: by how much our clock differs from its. Only what that needs of RFC 5905."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.names import addresses
from opsagent.checks.wire.stage import BlindError, broken

if TYPE_CHECKING:
    from opsagent.checks.wire.stage import Stages

_PACKET = struct.Struct("!BBbb II4s QQQQ")
_ASKING = 4 << 3 | 3
"""Version 4, mode client."""
_MODE, _ANSWER = 0b111, 4
_ALARM = 3
"""The leap indicator of a server whose own clock is not synchronised."""
_LOWEST = 15
"""Stratum: whoever is further from a true clock has none."""
_FROM_1900 = 2_208_988_800
"""Seconds from the epoch of NTP, 1900, to that of Unix, 1970."""
_UNIT, _ALL = 1 << 32, 1 << 64
_TRIES = 3
_SIZE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """By how many seconds our clock is behind the server's (negative: ahead), and how long the way there and back took.

    The way may have taken all its time in one direction, so the difference is known only to half of `delay`.
    """

    offset: float
    delay: float

    @property
    def certain(self) -> float:
        """The least by which the clocks differ (seconds, never negative)."""
        return max(0.0, abs(self.offset) - self.delay / 2)


def difference(host: str, port: int, stages: Stages) -> Difference:
    """Ask a server for the time; BlindError says why there is no answer that can be believed."""
    target = shown(host, port)
    address = str(addresses(host, stages)[0])
    try:
        answer, sent_at, took = _exchanged((address, port), stages)
    except OSError as error:
        said = broken(error, f"no answer from NTP server {target}", stages, "ntp").reading
        raise BlindError(said.message, said.failure_class or "ntp") from error
    stages.done("answer")
    first, stratum, *_, reference, _, _, receive, transmit = _PACKET.unpack_from(answer)
    if why := _unfit(first, stratum, reference, transmit):
        raise BlindError(f"NTP server {target} {why}", "ntp")
    there, back = _apart(receive, _stamp(sent_at)), _apart(transmit, _stamp(sent_at + took))
    return Difference(offset=(there + back) / 2, delay=max(0.0, took - _apart(transmit, receive)))


def _exchanged(server: tuple[str, int], stages: Stages) -> tuple[bytes, float, float]:
    """Ask up to three times; return the answer, when the question left by our clock, and how long it all took."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(server)  # the kernel then drops what comes from anywhere else
        for tries_left in range(_TRIES, 0, -1):
            # In place of our time, which nobody needs to know, a number that only a true answer can repeat.
            label = secrets.randbits(64)
            sent_at, began = time.time(), time.monotonic()
            sock.send(_PACKET.pack(_ASKING, 0, 0, 0, 0, 0, b"", 0, 0, 0, label))
            if answer := _answer(sock, label, began + stages.left() / tries_left):
                return answer, sent_at, time.monotonic() - began
    raise TimeoutError


def _answer(sock: socket.socket, label: int, until: float) -> bytes | None:
    """Wait for the answer that bears our label, None if none has come by then (monotonic seconds)."""
    while (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            answer = sock.recv(_SIZE)
        except TimeoutError:
            break
        if _answers(answer, label):
            return answer
    return None


def _answers(answer: bytes, label: int) -> bool:
    """Say whether this is an answer to the question that bore `label`."""
    if len(answer) < _PACKET.size:
        return False
    first, *_, origin, _, _ = _PACKET.unpack_from(answer)
    return bool(first & _MODE == _ANSWER and origin == label)


def _unfit(first: int, stratum: int, reference: bytes, transmit: int) -> str:
    if stratum == 0:
        return f"refuses to answer ({reference.decode('ascii', 'replace').rstrip(chr(0))})"
    if first >> 6 == _ALARM or stratum > _LOWEST or not transmit:
        return "is not synchronised itself"
    return ""


def _stamp(at: float) -> int:
    """Return a time of ours (seconds since 1970) as NTP writes it: 32 bits of seconds since 1900, 32 of fractions."""
    return int((at + _FROM_1900) * _UNIT) % _ALL


def _apart(one: int, other: int) -> float:
    """Return the seconds from `other` to `one`, over the end of an era too (the first is in 2036)."""
    apart = (one - other) % _ALL
    return (apart - _ALL if apart >= _ALL // 2 else apart) / _UNIT
