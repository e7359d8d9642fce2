"""Some connections to a peer, one after the other: how many of them are answered, and how fast."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from opsagent.checks.wire.address import check_port, parse_host
from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.names import addresses
from opsagent.checks.wire.stage import BlindError, broken
from opsagent.core.link import Reach

if TYPE_CHECKING:
    from opsagent.checks.wire.stage import Stages

_ONCE = 0.9
"""Seconds: after one second the kernel sends a lost packet again, and the loss would look like a slow answer."""


def peer_of(text: str) -> tuple[str, int]:
    """Read `host:port`, an IPv6 address in brackets; ValueError says what is allowed."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not port.isascii() or not port.isdigit() or (":" in host and not text.startswith("[")):
        raise ValueError(f"cannot read peer {text!r}, allowed: host:port, as 192.0.2.1:22 or [2001:db8::1]:22")
    parse_host(host)
    check_port(int(port))
    return host, int(port)


def reach(host: str, port: int, count: int, stages: Stages) -> Reach:
    """Connect so many times; StageError when the name does not resolve, or we are not able to try."""
    address = str(addresses(host, stages)[0])
    took: list[float] = []
    refused = silent = 0
    why = ""
    for number in range(count):
        began = time.monotonic()
        try:
            _connect(address, port, min(_ONCE, stages.left() / (count - number)))
        except ConnectionRefusedError:
            refused += 1
        except OSError as error:
            told = broken(error, f"cannot connect to {shown(host, port)}", stages, "connect")
            if isinstance(told, BlindError):
                raise told from error
            silent += isinstance(error, TimeoutError)
            why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
            continue
        took.append(time.monotonic() - began)
    stages.done("connect")
    return Reach(asked=count, took=tuple(took), refused=refused, silent=silent, why=why)


def _connect(address: str, port: int, seconds: float) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        sock.connect((address, port))
