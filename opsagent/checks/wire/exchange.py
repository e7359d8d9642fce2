"""One HTTP question and its bounded answer, over a connection of our own.

`requests` builds the request and names the parts; the connection below it is ours, because its time-outs are
per read: a server that drips one byte a second holds a look with `timeout=1` for as long as it likes.
"""

from __future__ import annotations

import functools
import http.client
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
import urllib3.connection
from requests.adapters import BaseAdapter

from opsagent import __version__
from opsagent.checks.wire.dial import dial, secure, shown, trust
from opsagent.checks.wire.stage import StageError, broken, spoken

if TYPE_CHECKING:
    import socket

    from opsagent.checks.wire.stage import Stages

BODY_LIMIT = 65_536
"""Bytes of a body that are read; a health endpoint that needs more is not one."""
_PORTS = {"http": 80, "https": 443}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: at most `BODY_LIMIT` bytes of body, `cut` if there was more. `certificate` is DER."""

    status: int
    body: bytes
    cut: bool
    location: str
    encoding: str
    certificate: bytes | None


def ask(question: Ask, stages: Stages) -> Answer:
    """Ask once; StageError names the stage that failed. Nothing outlives the deadline of `stages`."""
    response = _ADAPTER.send(_prepared(question.method, question.url, question.headers), question, stages)
    raw = cast("urllib3.HTTPResponse", response.raw)
    where = place(question.url)
    try:
        body = b"" if question.method == "HEAD" else _body(raw)
    except urllib3.exceptions.ReadTimeoutError as error:
        first = f"(first byte after {spoken(stages.at('first_byte'))})"
        message = f"{where} answered {raw.status} but did not end within {stages.allowed:g} s {first}"
        raise StageError(message, "timeout", timed_out=True) from error
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise StageError(f"{where} answered {raw.status} and broke off: {_plain(error)}", "body") from error
    finally:
        response.way.hang_up()
    stages.done("body")
    return Answer(
        status=raw.status,
        body=body[:BODY_LIMIT],
        cut=len(body) > BODY_LIMIT,
        location=raw.headers.get("Location", ""),
        encoding=raw.headers.get("Content-Encoding", ""),
        certificate=response.way.certificate,
    )


def _body(raw: urllib3.HTTPResponse) -> bytes:
    """Read to the end, or one byte past what is kept; only a read at the end notices that it came too early."""
    found = b""
    while len(found) <= BODY_LIMIT and (chunk := raw.read(BODY_LIMIT + 1 - len(found), decode_content=False)):
        found += chunk
    return found


def check_question(question: Ask) -> None:
    """Raise ValueError for a URL or header that could never be sent."""
    _prepared(question.method, question.url, question.headers)


@functools.lru_cache(maxsize=4096)
def place(url: str) -> str:
    """Name a URL for people: host, port and path, without the query (which may hold a secret)."""
    _, host, port = _end(url)
    return shown(host, port) + (urlsplit(url).path or "/")


@functools.lru_cache(maxsize=4096)
def _end(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


@functools.lru_cache(maxsize=4096)
def _prepared(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> requests.PreparedRequest:
    """Build a request once: it costs more than sending it. `identity`, because we never decompress."""
    own = {"User-Agent": f"opsagent/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    return requests.Request(method, url, headers={**own, "Connection": "close", **dict(headers)}).prepare()


class _Response(requests.Response):
    way: _Connection


class _Adapter(BaseAdapter):
    """Sends a request over a connection of its own, which the caller closes. Knows no proxy but the one named."""

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, question: Ask, stages: Stages
    ) -> _Response:
        connection = _Connection(question, stages)
        where = place(question.url)
        try:
            connection.connect()
            target = question.url if connection.sends_whole_url else request.path_url
            connection.request(
                question.method, target, headers=request.headers, preload_content=False, decode_content=False
            )
            raw = connection.getresponse()
        except BaseException as error:
            connection.hang_up()
            raise _no_answer(error, where, stages) from error
        response = _Response()
        response.raw, response.status_code, response.way = raw, raw.status, connection
        return response

    def close(self) -> None:
        """Nothing is kept between two questions."""


_ADAPTER = _Adapter()


def _no_answer(error: BaseException, where: str, stages: Stages) -> BaseException:
    """Say at which stage a question without an answer ended."""
    if isinstance(error, TimeoutError):
        done = f"(connected in {spoken(stages.at('connect'))})"
        return StageError(f"no first byte from {where} within {stages.allowed:g} s {done}", "timeout", timed_out=True)
    if isinstance(error, http.client.RemoteDisconnected):
        return StageError(f"{where} closed the connection without an answer", "reset")
    if isinstance(error, http.client.HTTPException | urllib3.exceptions.HTTPError | ValueError):
        return StageError(f"{where} did not answer in HTTP: {_plain(error)}", "protocol")
    if isinstance(error, OSError):
        return broken(error, f"cannot ask {where}", stages, "connect")
    return error


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Connection(urllib3.connection.HTTPConnection):
    """A connection to a checked address, each of whose reads ends at the deadline of the look."""

    def __init__(self, question: Ask, stages: Stages) -> None:
        super().__init__(*_end(question.proxy or question.url)[1:])
        self.question, self.stages = question, stages
        self.scheme, self.target_host, self.target_port = _end(question.url)
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
