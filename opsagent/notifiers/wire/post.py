"""One POST with one deadline from the name to the last header: no redirects, no proxies, no cookies, TLS verified.

requests' time-out is per read, so a server that drips a byte now and then holds it for ever; and it takes proxies
and passwords from the environment. Here every read is given only the time that is left.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opsagent.notifiers.wire.resolve import CannotResolveError, addresses

if TYPE_CHECKING:
    from collections.abc import Mapping


class CannotPostError(Exception):
    """No answer came; the text names the stage that failed. `retryable` as for notifiers."""

    def __init__(self, said: str, *, retryable: bool = True) -> None:
        super().__init__(said)
        self.retryable = retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to: parsed and checked before. `ca_file` "" means the system's certificate authorities."""

    secure: bool
    host: str
    port: int
    path: str
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status code, and the Retry-After header as it came, or ""."""

    status: int
    retry_after: str = ""


def post(
    endpoint: Endpoint, body: bytes, headers: Mapping[str, str], timeout: timedelta, method: str = "POST"
) -> Answer:
    """Send `body` and return the answer within `timeout`, all stages together; raises CannotPostError."""
    deadline = time.monotonic() + timeout.total_seconds()
    try:
        with closing(_connect(endpoint, deadline)) as connected, closing(_secure(connected, endpoint)) as sock:
            return _exchange(sock, endpoint, body, headers, method)
    except CannotResolveError as error:
        raise CannotPostError(str(error), retryable=not error.forbidden) from error
    except ssl.SSLCertVerificationError as error:
        said = f"cannot trust {endpoint.host}:{endpoint.port}: {error.verify_message}"
        raise CannotPostError(said, retryable=False) from error
    except TimeoutError as error:
        said = f"cannot post to {endpoint.host}:{endpoint.port}: no answer within {timeout.total_seconds():g} s"
        raise CannotPostError(said) from error
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise CannotPostError(f"cannot post to {endpoint.host}:{endpoint.port}: {said}") from error


class _Bounded:
    """A socket whose every read and write gets only what is left until `deadline` (monotonic seconds)."""

    deadline = 0.0

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        self._bound()
        return int(super().recv_into(*arguments, **named))  # type: ignore[misc]  # mixed into a socket

    def sendall(self, *arguments: Any, **named: Any) -> None:
        self._bound()
        super().sendall(*arguments, **named)  # type: ignore[misc]  # mixed into a socket

    def _bound(self) -> None:
        self.settimeout(_left(self.deadline))  # type: ignore[attr-defined]  # mixed into a socket


class _Plain(_Bounded, socket.socket):
    pass


class _Encrypted(_Bounded, ssl.SSLSocket):
    pass


def _left(deadline: float) -> float:
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _connect(endpoint: Endpoint, deadline: float) -> _Plain:
    found = addresses(endpoint.host, timedelta(seconds=_left(deadline)))
    failed: OSError = TimeoutError()
    for index, address in enumerate(found):
        # A dead address may use up only its share, so that the next one is tried in time.
        share = _left(deadline) / (len(found) - index)
        sock = _Plain(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        sock.deadline = deadline
        try:
            sock.settimeout(share)
            sock.connect((address, endpoint.port))
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed


def _secure(sock: _Plain, endpoint: Endpoint) -> _Plain | _Encrypted:
    if not endpoint.secure:
        return sock
    context = _context(endpoint.ca_file)
    sock.settimeout(_left(sock.deadline))
    wrapped = context.wrap_socket(sock, server_hostname=endpoint.host)
    assert isinstance(wrapped, _Encrypted)  # noqa: S101 - told so two lines above
    wrapped.deadline = sock.deadline
    return wrapped


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        said = f"cannot use ca_file {ca_file}: {error.strerror or error}"
        raise CannotPostError(said, retryable=False) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Encrypted
    return context


def _exchange(
    sock: _Plain | _Encrypted, endpoint: Endpoint, body: bytes, headers: Mapping[str, str], method: str
) -> Answer:
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port)
    connection.sock = sock
    connection.auto_open = 0
    if endpoint.secure:
        connection.default_port = http.client.HTTPS_PORT
    with closing(connection):
        connection.request(method, endpoint.path, body=body or None, headers={**headers, "Connection": "close"})
        response = connection.getresponse()
        # The body is not read: it is not ours to keep, and a server may never end it.
        return Answer(status=response.status, retry_after=response.getheader("Retry-After", "")[:100])
