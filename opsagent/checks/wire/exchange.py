"""One HTTP question and its bounded answer, over a connection of our own.

`requests` builds the request and names the parts; the connection below it is ours, because its time-outs are
per read: a server that drips one byte a second holds a look with `timeout=1` for as long as it likes.
"""

from __future__ import annotations

import functools
import http.client
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from opsagent import __version__
from opsagent.checks.wire.connection import Ask, Connection, end_of
from opsagent.checks.wire.dial import shown
from opsagent.checks.wire.stage import StageError, broken, spoken
from opsagent.core.text import visible

if TYPE_CHECKING:
    from opsagent.checks.wire.stage import Stages

BODY_LIMIT = 65_536
"""Bytes of a body that are read; a health endpoint that needs more is not one."""
LONGEST_QUOTE = 80
"""Characters that are shown of an answer which is not HTTP: enough to know what talks there."""

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_NO_ANSWER = (http.client.HTTPException, urllib3.exceptions.HTTPError, OSError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: as many bytes of the body as were wanted, `cut` if there was more. `certificate` is DER."""

    status: int
    body: bytes
    cut: bool
    location: str
    encoding: str
    certificate: bytes | None


def ask(question: Ask, stages: Stages, *, keep: int = BODY_LIMIT) -> Answer:
    """Ask once and keep so many bytes of the body; StageError names the stage that failed.

    Nothing outlives the deadline of `stages`.
    """
    response = _ADAPTER.send(_prepared(question.method, question.url, question.headers), question, stages)
    raw = cast("urllib3.HTTPResponse", response.raw)
    where = place(question.url)
    try:
        body = b"" if question.method == "HEAD" else _body(raw, keep)
    except urllib3.exceptions.ReadTimeoutError as error:
        first = f"(first byte after {spoken(stages.at('first_byte'))})"
        message = f"{where} answered {raw.status} but did not end within {stages.allowed:g} s {first}"
        raise StageError(message, "timeout", timed_out=True) from error
    except _NO_ANSWER as error:
        raise StageError(f"{where} answered {raw.status} and broke off: {_plain(error)}", "body") from error
    finally:
        response.way.hang_up()
    stages.done("body")
    return Answer(
        status=raw.status,
        body=body[:keep],
        cut=len(body) > keep,
        location=raw.headers.get("Location", ""),
        encoding=raw.headers.get("Content-Encoding", ""),
        certificate=response.way.certificate,
    )


def _body(raw: urllib3.HTTPResponse, keep: int) -> bytes:
    """Read to the end, or one byte past what is kept; only a read at the end notices that it came too early."""
    found = bytearray()
    while len(found) <= keep and (chunk := raw.read(keep + 1 - len(found), decode_content=False)):
        found += chunk
    return bytes(found)


def check_question(question: Ask) -> None:
    """Raise ValueError for a URL or header that could never be sent."""
    for name, _ in question.headers:
        if not _HEADER.fullmatch(name):
            raise ValueError(f"cannot use the name {name!r} in headers, allowed: letters, digits and hyphens")
    try:
        _prepared(question.method, question.url, question.headers)
    except requests.exceptions.InvalidHeader as error:  # its text repeats the value, which may be a secret
        raise ValueError("cannot use a value in headers, allowed: one line of text without spaces around it") from error


@functools.lru_cache(maxsize=4096)
def place(url: str) -> str:
    """Name a URL for people: host, port and path, without the query (which may hold a secret)."""
    _, host, port = end_of(url)
    return shown(host, port) + (urlsplit(url).path or "/")


@functools.lru_cache(maxsize=4096)
def _prepared(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> requests.PreparedRequest:
    """Build a request once: it costs more than sending it. `identity`, because we never decompress."""
    own = {"User-Agent": f"opsagent/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    return requests.Request(method, url, headers={**own, "Connection": "close", **dict(headers)}).prepare()


class _Response(requests.Response):
    way: Connection


class _Adapter(BaseAdapter):
    """Sends a request over a connection of its own, which the caller closes. Knows no proxy but the one named."""

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, question: Ask, stages: Stages
    ) -> _Response:
        connection = Connection(question, stages)
        where = place(question.url)
        try:
            connection.connect()
            target = question.url if connection.sends_whole_url else request.path_url
            connection.request(
                question.method, target, headers=request.headers, preload_content=False, decode_content=False
            )
            raw = connection.getresponse()
        except StageError:
            connection.hang_up()
            raise
        except _NO_ANSWER as error:
            connection.hang_up()
            raise _no_answer(error, where, stages) from error
        response = _Response()
        response.raw, response.status_code, response.way = raw, raw.status, connection
        return response

    def close(self) -> None:
        """Nothing is kept between two questions."""


_ADAPTER = _Adapter()


def _no_answer(error: Exception, where: str, stages: Stages) -> StageError:
    """Say at which stage a question without an answer ended."""
    if isinstance(error, TimeoutError):
        done = f"(connected in {spoken(stages.at('connect'))})"
        return StageError(f"no first byte from {where} within {stages.allowed:g} s {done}", "timeout", timed_out=True)
    if isinstance(error, http.client.RemoteDisconnected):
        return StageError(f"{where} closed the connection without an answer", "reset")
    if isinstance(error, OSError):
        return broken(error, f"cannot ask {where}", stages, "connect")
    return StageError(f"{where} did not answer in HTTP: {_plain(error)}", "protocol")


def _plain(error: Exception) -> str:
    """Return the words of an error, which may quote what was answered; urllib3 puts them before the error it wraps."""
    return visible(str(error.args[0] if error.args else ""), LONGEST_QUOTE) or type(error).__name__
