"""One question to a port of this very host: does `GET /health` answer? Asked once, with one deadline for all of it."""

from __future__ import annotations

import re
import socket
import ssl
import time
from datetime import timedelta

DEADLINE = timedelta(milliseconds=500)
ASKED_PORTS = frozenset({80, 443, 3000, 5000, *range(8000, 9000)})
_TLS_PORTS = frozenset({443, 8443})
_REQUEST = "GET /health HTTP/1.0\r\nHost: {host}\r\nUser-Agent: opsagent\r\nConnection: close\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]")
_ENOUGH = 65_536


def health_url(address: str, port: int) -> str:
    """Return the URL that would be asked at a port of this host."""
    scheme = "https" if port in _TLS_PORTS else "http"
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}/health" if port in {80, 443} else f"{scheme}://{host}:{port}/health"


def health_status(address: str, port: int, deadline: timedelta = DEADLINE) -> int | None:
    """Return the HTTP status that /health answers with, None when it does not answer HTTP in time.

    The answer is read to its end where that comes within the deadline and 64 KiB: to hang up early would leave an
    error in the service's log. Neither an endless nor a dripping answer can hold us.
    """
    ends = time.monotonic() + deadline.total_seconds()
    try:
        with socket.create_connection((address, port), timeout=deadline.total_seconds()) as plain:
            wire = _unverified().wrap_socket(plain) if port in _TLS_PORTS else plain
            with wire:
                wire.settimeout(_left(ends))
                wire.sendall(_REQUEST.format(host="localhost").encode())
                found = _STATUS_LINE.match(_answer(wire, ends))
    except (OSError, ValueError):
        return None
    return int(found[1]) if found else None


def _answer(wire: socket.socket, ends: float) -> bytes:
    kept = bytearray()
    while len(kept) < _ENOUGH:
        try:
            wire.settimeout(_left(ends))
            chunk = wire.recv(_ENOUGH - len(kept))
        except OSError:
            break  # late or broken; the status line may be there already
        if not chunk:
            break
        kept += chunk
    return bytes(kept)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline passed")
    return left


def _unverified() -> ssl.SSLContext:
    """Return a context that trusts anybody: no name is right for loopback, and nothing secret is said or believed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
