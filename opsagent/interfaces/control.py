"""The control socket: the only way to ask the running daemon something, or to make it change something.

A Unix stream socket; one JSON object per line each way. Everyone may ask for the status and for reasons; changes and
evidence are for root, the daemon's own user and the group `opsagent`. A client that is slow, loud or one of many is
sent away; it cannot keep others out.
"""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.core.asking import ChangesAsked, EnvironmentAsked, IncidentAsked, Question, RequestError, read
from opsagent.core.commands import Answer, Command, Ping
from opsagent.core.log_row import StoreError
from opsagent.core.text import visible
from opsagent.interfaces import peer as peers
from opsagent.interfaces.address import reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

Reply = Answer | Mapping[str, Any] | Sequence[Any]
Ask = Callable[[Command | Question], Reply]
"""Carries a request to the daemon and waits for what came of it; TimeoutError when that takes too long."""

GROUP = "opsagent"
Evidence = IncidentAsked | ChangesAsked | EnvironmentAsked
"""Questions whose answers hold other people's words, or tell where to attack."""
LARGEST = 64 * 1024
"""Bytes of one request."""
LINE_WITHIN = timedelta(seconds=5)
"""From the first moment of waiting to the end of the line; and for an answer to be taken."""
MOST = 32
MOST_STRANGERS = 24
"""Of the connections, those of users who may not change anything: the last eight stay free for operators."""
MOST_OF_ONE = 8
"""Connections of one such user."""
MOST_REQUESTS = 100
"""Requests of one connection."""
_BACKLOG = 64
_LOOK_AT_STOP = 0.5


class _GoAwayError(Exception):
    """The connection ends here; the text is its last line."""


@dataclass(slots=True)
class Server:
    """Serves `ask` on the socket `path`. `open` makes the socket, `serve` is one thread's whole work.

    `may` tells what a user may ask who is not in `group`.
    """

    path: Path
    ask: Ask
    group: str = GROUP
    may: Callable[[Command | Question, str], bool] = lambda request, user: False  # noqa: ARG005 - nobody without rights
    _listener: socket.socket | None = None
    _connections: dict[socket.socket, peers.Peer] = field(default_factory=dict)
    _door: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Make the socket, in place of one that a daemon before us left. OSError when that is not possible.

        Only the holder of the instance lock may do this.
        """
        with contextlib.suppress(FileExistsError):
            self.path.parent.mkdir(mode=0o755)
            self.path.parent.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listen(listener)
        except OSError:
            listener.close()
            raise
        self._listener = listener

    def _listen(self, listener: socket.socket) -> None:
        with reachable(self.path) as address:
            _remove_socket(self.path)
            listener.bind(address)
        self.path.chmod(0o666)
        listener.listen(_BACKLOG)
        listener.settimeout(_LOOK_AT_STOP)

    def serve(self, stop: threading.Event) -> None:
        """Answer until `stop` is set, then close every connection and take the socket away."""
        if self._listener is None:
            self.open()
        try:
            while not stop.is_set():
                self._accept(stop)
        finally:
            self._close()

    def _accept(self, stop: threading.Event) -> None:
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return
        except OSError:  # out of descriptors, or the peer has gone already: the next one may fare better
            stop.wait(_LOOK_AT_STOP)
            return
        try:
            who = self._let_in(connection)
            threading.Thread(target=self._serve_one, args=(connection, who), name="control", daemon=True).start()
        except (_GoAwayError, OSError, RuntimeError) as error:  # RuntimeError: no more threads for us
            _send_away(connection, error)
            self._forget(connection)

    @property
    def _socket(self) -> socket.socket:
        if self._listener is None:
            raise RuntimeError("cannot serve before open")
        return self._listener

    def _let_in(self, connection: socket.socket) -> peers.Peer:
        who = peers.of(connection)
        with self._door:
            strangers = [one for one in self._connections.values() if not one.may_change(self.group)]
            of_same = sum(one.uid == who.uid for one in strangers)
            if len(self._connections) >= MOST:
                raise _GoAwayError(f"cannot serve more than {MOST} connections at once, try again")
            if not who.may_change(self.group) and (of_same >= MOST_OF_ONE or len(strangers) >= MOST_STRANGERS):
                raise _GoAwayError(f"cannot serve more than {MOST_OF_ONE} connections of {who.name} at once")
            self._connections[connection] = who
        return who

    def _serve_one(self, connection: socket.socket, who: peers.Peer) -> None:
        try:
            for line in _lines(connection):
                _send(connection, self._answer(line, who))
        except _GoAwayError as error:
            _send_away(connection, error)
        except OSError:  # the peer has gone, or does not take its answer: there is nobody to tell
            pass
        finally:
            self._forget(connection)
            connection.close()

    def _forget(self, connection: socket.socket) -> None:
        with self._door:
            self._connections.pop(connection, None)

    def _answer(self, line: bytes, who: peers.Peer) -> dict[str, Any]:
        try:
            asked = json.loads(line.decode())
            request = read(asked, by=_on_behalf(asked, who))
        except RequestError as error:
            return {"error": str(error)}
        except (ValueError, RecursionError) as error:
            return {"error": f"cannot read this line as JSON: {type(error).__name__}, allowed: one object per line"}
        reserved = isinstance(request, Command | Evidence) and not self.may(request, who.name)
        if reserved and not who.may_change(self.group):
            return {"error": f"cannot do this as {who.name}, allowed: {self._allowed(request)}"}
        try:
            return _shape(self.ask(request))
        except TimeoutError:
            return {"error": "cannot answer in time: the daemon is busy, it may still carry this out"}
        except (StoreError, OSError) as error:  # the log is busy, or cannot be read
            return {"error": str(error)}

    def _allowed(self, request: Command | Question) -> str:
        own = ", and for a job the `user` that its check names" if isinstance(request, Ping) else ""
        return f"root and members of the group {self.group}{own}"

    def _close(self) -> None:
        self._socket.close()
        _remove_socket(self.path)
        with self._door:
            open_ones = list(self._connections)
        for connection in open_ones:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _on_behalf(asked: object, who: peers.Peer) -> str:
    """Name who asked. Root's sudo knows better than the kernel who sits there; nobody else is believed."""
    claimed = asked.get("by") if isinstance(asked, dict) else None
    if who.uid == 0 and isinstance(claimed, str) and claimed not in {"", who.name}:
        return f"{visible(claimed, 40)} (root)"
    return who.name


def _shape(reply: Reply) -> dict[str, Any]:
    if isinstance(reply, Answer):
        return {"accepted": reply.accepted, "text": reply.text}
    return {"data": reply}


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """Yield the requests, each whole within its deadline, until the peer ends."""
    waiting = bytearray()
    for _ in range(MOST_REQUESTS):
        until = time.monotonic() + LINE_WITHIN.total_seconds()
        while b"\n" not in waiting:
            if len(waiting) > LARGEST:
                raise _GoAwayError(f"cannot read a line of more than {LARGEST} bytes")
            chunk = _receive(connection, until)
            if not chunk:
                return
            waiting += chunk
        line, _, rest = waiting.partition(b"\n")
        if len(line) > LARGEST:
            raise _GoAwayError(f"cannot read a line of more than {LARGEST} bytes")
        waiting = bytearray(rest)
        yield bytes(line)
    raise _GoAwayError(f"cannot serve more than {MOST_REQUESTS} requests on one connection, connect again")


def _receive(connection: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    late = _GoAwayError(f"cannot wait longer than {LINE_WITHIN.seconds} s for a whole line")
    if left <= 0:
        raise late
    connection.settimeout(left)
    try:
        return connection.recv(LARGEST)
    except TimeoutError:
        raise late from None


def _send(connection: socket.socket, answer: dict[str, Any]) -> None:
    # ASCII escapes: an undecodable byte of a log (a lone surrogate) has no UTF-8
    connection.settimeout(LINE_WITHIN.total_seconds())
    connection.sendall(json.dumps(answer, separators=(",", ":")).encode("ascii") + b"\n")


def _send_away(connection: socket.socket, error: Exception) -> None:
    """Say why, if that is possible at once, and end."""
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.setblocking(False)  # noqa: FBT003 - the name says what it means
        connection.sendall(json.dumps({"error": str(error)}).encode("ascii") + b"\n")


def _remove_socket(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
