"""The HTTP connection below a question: to the address that was checked, every read of it within one deadline."""

from __future__ import annotations

import functools
import http.client
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import urllib3.connection

from opsagent.checks.wire.dial import dial, secure, trust

if TYPE_CHECKING:
    import socket

    from opsagent.checks.wire.stage import Stages

_PORTS = {"http": 80, "https": 443}
_MOST_INTERIM = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question: where, how, and what we trust. `named` says that the settings name the host."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    proxy: str = ""
    ca_file: str = ""
    insecure: bool = False
    named: bool = True


@functools.lru_cache(maxsize=4096)
def end_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


class _Final(http.client.HTTPResponse):
    """An answer past the interim ones (`103 Early Hints`), of which the standard library skips only `100 Continue`."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]  # private, and the only place
            if found[1] not in range(100, 200) or found[1] == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return found
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {_MOST_INTERIM} interim answers")


class Connection(urllib3.connection.HTTPConnection):
    """A connection to a checked address, each of whose reads ends at the deadline of the look."""

    response_class = _Final  # what http.client reads with; urllib3 wraps it

    def __init__(self, question: Ask, stages: Stages) -> None:
        super().__init__(*end_of(question.proxy or question.url)[1:])
        self.question, self.stages = question, stages
        self.scheme, self.target_host, self.target_port = end_of(question.url)
        self.sends_whole_url = bool(question.proxy) and self.scheme == "http"
        self.certificate: bytes | None = None
        self._way: socket.socket | None = None

    def connect(self) -> None:
        """Open the way: the proxy if one is configured, a tunnel through it for https, then TLS."""
        question, host, port = self.question, self.target_host, self.target_port
        through_tunnel = bool(question.proxy) and self.scheme == "https"
        if through_tunnel:
            self.set_tunnel(host, port)
        sock = self._way = dial(self.host, self.port, self.stages, named=question.named or bool(question.proxy))
        self.sock = cast("socket.socket", _BoundedSocket(sock, self.stages))
        if self.scheme != "https":
            return
        if through_tunnel:
            self._tunnel()
        secured = self._way = secure(sock, host, port, trust(question.ca_file, insecure=question.insecure), self.stages)
        self.certificate = secured.getpeercert(binary_form=True)
        self.sock = cast("socket.socket", _BoundedSocket(secured, self.stages))

    def hang_up(self) -> None:
        """Close the way at once, whoever still reads."""
        if self._way is not None:
            self._way.close()


class _BoundedSocket:
    """A socket whose every read and write ends at the deadline, however little each of them brings."""

    def __init__(self, sock: socket.socket, stages: Stages) -> None:
        self._sock, self._stages = sock, stages

    def sendall(self, content: Any) -> None:
        """Send everything, or TimeoutError."""
        self._sock.settimeout(self._stages.left())
        self._sock.sendall(content)

    def makefile(self, _mode: str = "rb", *_: object) -> io.BufferedReader:
        """Return a reader of the rest of the stream."""
        return io.BufferedReader(_BoundedReader(self._sock, self._stages))

    def settimeout(self, _seconds: float | None) -> None:
        """Time-outs per read are what we do without."""

    def close(self) -> None:
        """Leave it open: http.client closes when the head is read, the body is still to come."""


class _BoundedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, stages: Stages) -> None:
        self._sock, self._stages = sock, stages

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._stages.left())
        count = self._sock.recv_into(buffer)
        self._stages.done("first_byte")
        return count
