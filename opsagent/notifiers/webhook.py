"""The notifier `webhook`: the message as JSON, posted to a URL, signed if there is a secret."""

from __future__ import annotations

import hashlib
import hmac
import http.client
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opsagent import __version__
from opsagent.core import payload
from opsagent.core.message import Delivered, Message
from opsagent.notifiers import NotifyError
from opsagent.notifiers.wire.post import Answer, CannotPostError, Endpoint, post

if TYPE_CHECKING:
    from collections.abc import Mapping

# Nobody may put us off for longer: the page is still worth something then.
LONGEST_RETRY = timedelta(hours=1)
_SECRET_LIMIT = 4096
_TRY_AGAIN = {http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Post the message to a web address: JSON, an `Idempotency-Key`, no redirects, no proxies.

    2xx is delivered; 408, 429, 5xx and no answer are tried again; every other answer is final.

    url: where to, http:// or https://; certificates are always verified.
    secret_file: a file with the secret that signs the body (`X-Opsagent-Signature: t=…,v1=…`).
    token_file: a file with a token that is sent as `Authorization: Bearer …`.
    ca_file: certificate authorities to trust instead of the system's.
    timeout: how long all of it may take, from the name to the answer.
    """

    url: str
    secret_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse an address that could never work."""
        _endpoint(self.url, self.ca_file)

    def send(self, message: Message, *, now: datetime, done: frozenset[str] = frozenset()) -> tuple[Delivered, ...]:
        """Post once; raises NotifyError."""
        endpoint = _endpoint(self.url, self.ca_file)
        target = f"{endpoint.host}:{endpoint.port}"
        if target in done:
            return ()
        body = payload.encode(message)
        try:
            answer = post(endpoint, body, self._headers(message, body, now), self.timeout)
        except CannotPostError as error:
            raise NotifyError(str(error), retryable=error.retryable) from error
        if not http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(target, answer, now)
        return (Delivered(target=target, said=str(answer.status)),)

    def _headers(self, message: Message, body: bytes, now: datetime) -> Mapping[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"opsagent/{__version__}",
            "Idempotency-Key": message.key,
        }
        if self.token_file:
            headers["Authorization"] = f"Bearer {_secret(self.token_file, 'token_file')}"
        if self.secret_file:
            headers["X-Opsagent-Signature"] = signature(_secret(self.secret_file, "secret_file"), body, now)
        return headers


def sign_of_life(url: str, timeout: timedelta) -> str:
    """Ask a dead man's switch with GET; return what went wrong, "" when it answered 2xx."""
    try:
        answer = post(_endpoint(url, ""), b"", {"User-Agent": f"opsagent/{__version__}"}, timeout, method="GET")
    except (CannotPostError, ValueError) as error:
        return str(error)
    good = http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES
    return "" if good else f"it answered {answer.status}"


def signature(secret: str, body: bytes, now: datetime) -> str:
    """Return `t=SECONDS,v1=HEX`: HMAC-SHA256 of `t.body`, so that an old message cannot be sent again as new."""
    stamp = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"t={stamp},v1={digest.hexdigest()}"


def _endpoint(url: str, ca_file: str) -> Endpoint:
    # Never shown in an error: the path of a webhook is often its password.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("cannot use this url: only printable ASCII is allowed, other characters as %XX")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("cannot use this url: allowed are http://host/… and https://host/…")
    if "@" in parts.netloc:
        raise ValueError("cannot use a url with a name or password in it: put a token into token_file")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        port = parts.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT)
    except ValueError as error:
        raise ValueError("cannot use this url: its port is not a number from 1 to 65535") from error
    return Endpoint(secure=secure, host=parts.hostname, port=port, path=path, ca_file=ca_file)


def _secret(path: str, key: str) -> str:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_SECRET_LIMIT).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not ASCII"
        raise NotifyError(f"cannot read {key} {path}: {reason}", retryable=False) from error
    if not text or not text.isprintable():
        raise NotifyError(f"cannot use {key} {path}: one line of printable text is needed", retryable=False)
    return text


def _refusal(target: str, answer: Answer, now: datetime) -> NotifyError:
    known = {status.value: status.phrase for status in http.HTTPStatus}
    said = f"{target} answered {answer.status} {known.get(answer.status, '')}".rstrip()
    again = answer.status in _TRY_AGAIN or answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR
    return NotifyError(said, retryable=again, retry_after=_wait(answer.retry_after, now) if again else None)


def _wait(header: str, now: datetime) -> timedelta | None:
    try:
        wait = timedelta(seconds=int(header)) if header.isdecimal() else _date(header) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST_RETRY)


def _date(header: str) -> datetime:
    date = parsedate_to_datetime(header)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
