"""Asking the daemon over its control socket."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from opsagent.interfaces.address import reachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST = 32 * 1024 * 1024
"""Bytes of an answer: ten thousand incidents, and an end."""


class DownError(Exception):
    """Nobody listens on the control socket."""


class NoAnswerError(Exception):
    """The daemon was reached and gave no whole answer; what was asked may still be carried out."""


def ask(path: Path, body: Mapping[str, Any], timeout: float = 10.0) -> dict[str, Any]:
    """Send one request and return the answer: `data`, or `accepted` and `text`, or `error`.

    `timeout` is in seconds, for all of it. Raises DownError, NoAnswerError, or PermissionError where this user may
    not even reach the socket.
    """
    until = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, path, timeout)
        connection.settimeout(timeout)
        try:
            _send(connection, body)
            line = _line(connection, until)
        except TimeoutError:
            raise NoAnswerError(f"cannot get an answer from the daemon within {timeout:.0f} s") from None
        except OSError as error:
            raise NoAnswerError(f"cannot get an answer from the daemon: {error.strerror}") from error
    return _read(line)


def _connect(connection: socket.socket, path: Path, timeout: float) -> None:
    """Wait for a place in the daemon's queue: who does not block is sent away at once when a crowd has filled it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", *divmod(int(timeout * 1e6), 10**6)))
    try:
        with reachable(path) as address:
            connection.connect(address)
    except BlockingIOError:
        raise NoAnswerError("cannot connect: the daemon takes no more connections now") from None
    except PermissionError:
        raise
    except OSError as error:  # not there, refused, or not a socket: in every case nobody answers
        raise DownError(f"cannot reach {path}: {error.strerror}") from error


def _send(connection: socket.socket, body: Mapping[str, Any]) -> None:
    try:
        connection.sendall(json.dumps(body).encode("ascii") + b"\n")
    except (BrokenPipeError, ConnectionResetError):
        return  # sent away before it was read: the answer says why


def _line(connection: socket.socket, until: float) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(1 << 16)
        line += chunk
        if not chunk or len(line) > LARGEST:
            break
    return bytes(line)


def _read(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NoAnswerError("cannot get an answer from the daemon: it ended the connection")
    return answer
