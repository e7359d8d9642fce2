"""HTTP/1.1 as far as it is needed here: one request, with a length that is known, and one answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_HEAD = 16 * 1024
LARGEST_BODY = 512 * 1024
"""Bytes: a hundred alerts with long labels."""
MOST_HEADERS = 64
END = b"\r\n\r\n"
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t -~\x80-\xff]*")
_LINE = re.compile(rb"([A-Z]{1,16}) ([!-~]{1,4096}) HTTP/1\.[01]")


class BadRequestError(Exception):
    """A request that is not answered; `status` and the text say why."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        """Keep the status beside the text."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` is what lies between the slashes, decoded; `headers` have their names in small letters."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def length(self) -> int:
        """The bytes of its body. BadRequestError for a body whose length is not said, or too large."""
        said = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (said.isascii() and said.isdigit()):
            raise BadRequestError(HTTPStatus.LENGTH_REQUIRED, "cannot read a body without a Content-Length")
        if len(said) > len(str(LARGEST_BODY)) or int(said) > LARGEST_BODY:
            raise BadRequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"cannot read a body of more than {LARGEST_BODY} bytes"
            )
        return int(said)

    @property
    def bearer(self) -> str:
        """The token of its `Authorization: Bearer …`, "" without one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered: `kind` is the media type of `body`."""

    status: HTTPStatus = HTTPStatus.OK
    body: str = "OK"
    kind: str = "text/plain; charset=utf-8"

    def to_bytes(self, method: str) -> bytes:
        """Return it as it goes over the wire; HEAD gets everything but the body."""
        body = self.body.encode(errors="replace")
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.kind}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        return head.encode("ascii") + (b"" if method == "HEAD" else body)


def read_head(head: bytes) -> Request:
    """Read the request line and the headers, up to but without the empty line. BadRequestError for what is none."""
    first, *lines = head.split(b"\r\n")
    found = _LINE.fullmatch(first)
    if found is None or len(lines) > MOST_HEADERS:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "cannot read this as a request of HTTP/1.1")
    path, query = _target(found[2].decode("ascii"))
    return Request(method=found[1].decode("ascii"), path=path, query=query, headers=_headers(lines))


def _target(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    try:
        target = urlsplit(text)
        query = dict(parse_qsl(target.query, max_num_fields=20))
    except ValueError:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "cannot read the address of this request") from None
    return tuple(unquote(part) for part in target.path.split("/") if part), query


def _headers(lines: list[bytes]) -> dict[str, str]:
    """Read the headers strictly: whoever reads them otherwise than we do must not stand between."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        key = name.decode("latin-1").lower()
        sound = colon and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
        if not sound or (key == "content-length" and key in headers):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "cannot read the headers of this request")
        headers[key] = value.decode("latin-1").strip()
    return headers
