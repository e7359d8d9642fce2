"""The HTTP door itself: few connections, one request each, every byte and every second bounded.

`http.server` bounds neither the time of a request nor the number of its threads.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus

from opsagent.interfaces.web.message import END, LARGEST_HEAD, BadRequestError, Reply, Request, read_head

MOST = 16
"""Connections at once; the next one is told to come again."""
WITHIN = timedelta(seconds=10)
"""From the connection to the last byte of its request; and again for its answer to be taken."""
_BACKLOG = 32
_LOOK_AT_STOP = 0.5
_LINGER = 0.5
_CHUNK = 64 * 1024


@dataclass(slots=True)
class Server:
    """Serves `answer` at an address. `open` binds it, `serve` is one thread's whole work."""

    address: tuple[str, int]
    answer: Callable[[Request], Reply]
    _listener: socket.socket | None = None
    _free: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST))

    def open(self) -> int:
        """Bind the address and return its port. OSError when that is not possible."""
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self.address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.settimeout(_LOOK_AT_STOP)
        self._listener = listener
        return int(listener.getsockname()[1])

    def serve(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        if self._listener is None:
            self.open()
        listener = self._listener
        if listener is None:
            return
        with listener:
            while not stop.is_set():
                self._accept(listener, stop)

    def _accept(self, listener: socket.socket, stop: threading.Event) -> None:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return
        except OSError:  # out of descriptors, or the peer has gone already: the next one may fare better
            stop.wait(_LOOK_AT_STOP)
            return
        if not self._free.acquire(blocking=False):
            _send_away(connection)
            return
        try:
            threading.Thread(target=self._serve_one, args=(connection,), name="http", daemon=True).start()
        except RuntimeError:  # no more threads for us
            self._free.release()
            _send_away(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # the peer has gone, or takes no answer: nobody is left
                self._talk(connection)
        finally:
            self._free.release()

    def _talk(self, connection: socket.socket) -> None:
        method = "GET"
        try:
            request = _request(connection)
            method = request.method
            reply = self.answer(request)
        except BadRequestError as error:
            reply = Reply(status=error.status, body=str(error))
        except TimeoutError:
            reply = Reply(status=HTTPStatus.REQUEST_TIMEOUT, body=f"cannot wait longer than {WITHIN.seconds} s")
        connection.settimeout(WITHIN.total_seconds())
        connection.sendall(reply.to_bytes(method))
        _hang_up(connection)


def _request(connection: socket.socket) -> Request:
    """Read one whole request. BadRequestError; TimeoutError when it has not come in time."""
    until = time.monotonic() + WITHIN.total_seconds()
    waiting = bytearray()
    while END not in waiting:
        if len(waiting) > LARGEST_HEAD:
            raise BadRequestError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"cannot read a head of more than {LARGEST_HEAD} bytes"
            )
        waiting += _received(connection, until)
    head, _, body = waiting.partition(END)
    request = read_head(bytes(head))
    length = request.length
    if len(body) < length and request.headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(body) < length:
        body += _received(connection, until)
    return replace(request, body=bytes(body[:length]))


def _received(connection: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    chunk = connection.recv(_CHUNK)
    if not chunk:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "cannot read a request that ends in the middle")
    return chunk


def _hang_up(connection: socket.socket) -> None:
    """Let the peer read our answer although it may still be writing: else the kernel throws both away."""
    connection.shutdown(socket.SHUT_WR)
    until = time.monotonic() + _LINGER
    while (left := until - time.monotonic()) > 0:
        connection.settimeout(left)
        if not connection.recv(_CHUNK):
            return


def _send_away(connection: socket.socket) -> None:
    reply = Reply(status=HTTPStatus.SERVICE_UNAVAILABLE, body=f"cannot serve more than {MOST} connections at once")
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.setblocking(False)  # noqa: FBT003 - the name says what it means
        connection.sendall(reply.to_bytes("GET"))
