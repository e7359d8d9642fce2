"""A webhook gets each message once, signed, within the deadline, and only over a connection that can be trusted."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.message import Delivered, Message
from opsagent.notifiers import NotifyError
from opsagent.notifiers.webhook import Notifier
from tests.notifiers.conftest import Certificates, Receiver, drip, served

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

SHORT = timedelta(milliseconds=300)


def refusal(notifier: Notifier, page: Message, now: datetime) -> NotifyError:
    with pytest.raises(NotifyError) as refused:
        notifier.send(page, now=now)
    return refused.value


def test_the_message_arrives_as_json(receiver: Receiver, page: Message, now: datetime) -> None:
    delivered = Notifier(url=receiver.url("/hook?team=a")).send(page, now=now)

    [(path, headers, body)] = receiver.requests
    assert delivered == (Delivered(target=f"127.0.0.1:{receiver.port}", said="200"),)
    assert path == "/hook?team=a"
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert headers["Idempotency-Key"] == page.key
    assert "X-Opsagent-Signature" not in headers
    assert json.loads(body) == {
        "v": 1,
        "event": "page",
        "incident": {"id": "OPS-20261118-002", "state": "paged"},
        "reason": page.reason,
        "as_of": "2026-11-18T03:42:00.000Z",
        "key": page.key,
        "host": "web-1",
        "severity": "SEV2",
        "title": page.title,
        "body": page.body,
    }


def test_the_body_is_signed_with_the_secret_and_the_time(
    receiver: Receiver, page: Message, now: datetime, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")

    Notifier(url=receiver.url(), secret_file=str(secret)).send(page, now=now)

    [(_, headers, body)] = receiver.requests
    stamp = str(int(now.timestamp()))
    expected = hmac.new(b"s3cret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Opsagent-Signature"] == f"t={stamp},v1={expected}"


def test_a_token_is_sent_as_bearer(receiver: Receiver, page: Message, now: datetime, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc\n")

    Notifier(url=receiver.url(), token_file=str(token)).send(page, now=now)

    assert receiver.requests[0][1]["Authorization"] == "Bearer abc"


def test_a_target_that_has_the_message_is_not_asked_again(receiver: Receiver, page: Message, now: datetime) -> None:
    done = frozenset({f"127.0.0.1:{receiver.port}"})

    assert Notifier(url=receiver.url()).send(page, now=now, done=done) == ()
    assert receiver.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_is_final(receiver: Receiver, page: Message, now: datetime, status: int) -> None:
    receiver.answers = [(status, {"Retry-After": "5"})]

    error = refusal(Notifier(url=receiver.url()), page, now)

    assert (error.retryable, error.retry_after) == (False, None)
    assert f"answered {status}" in str(error)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_trouble_over_there_is_tried_again(receiver: Receiver, page: Message, now: datetime, status: int) -> None:
    receiver.answers = [(status, {})]

    error = refusal(Notifier(url=receiver.url()), page, now)

    assert (error.retryable, error.retry_after) == (True, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999999999999999", None),
        ("86400", 3600),
        ("-5", None),
        ("soon", None),
        ("Wed, 18 Nov 2026 03:43:00 GMT", 60),
        ("Wed, 18 Nov 2026 03:43:00 -0000", 60),
        ("Wed, 18 Nov 2020 03:43:00 GMT", 0),
    ],
)
def test_retry_after_is_honoured_within_reason(
    receiver: Receiver, page: Message, now: datetime, header: str, seconds: int | None
) -> None:
    receiver.answers = [(429, {"Retry-After": header})]

    error = refusal(Notifier(url=receiver.url()), page, now)

    assert error.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_redirect_is_not_followed(receiver: Receiver, page: Message, now: datetime) -> None:
    with served(Receiver()) as other:
        receiver.answers = [(307, {"Location": other.url()})]

        error = refusal(Notifier(url=receiver.url()), page, now)

        assert not error.retryable
        assert other.requests == []


def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")

    assert Notifier(url=receiver.url()).send(page, now=now)


def test_a_refused_connection_is_tried_again(page: Message, now: datetime, closed_port: int) -> None:
    error = refusal(Notifier(url=f"http://127.0.0.1:{closed_port}/"), page, now)

    assert error.retryable
    assert str(error) == f"cannot post to 127.0.0.1:{closed_port}: Connection refused"


def silent(peer: socket.socket) -> None:
    while peer.recv(65_536):
        pass


def endless_headers(peer: socket.socket) -> None:
    peer.recv(65_536)
    peer.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        peer.send(b"X: y\r\n")


def no_http(peer: socket.socket) -> None:
    peer.recv(65_536)
    peer.send(b"220 mail.example ESMTP\r\n")


def hang_up(peer: socket.socket) -> None:
    peer.recv(65_536)


def endless_body(peer: socket.socket) -> None:
    peer.recv(65_536)
    peer.send(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.send(b"x" * 4096)


@pytest.mark.parametrize("talk", [silent, drip, endless_headers, no_http, hang_up])
def test_a_server_that_misbehaves_costs_at_most_the_deadline(
    talker: Callable[[Callable[[socket.socket], None]], int],
    talk: Callable[[socket.socket], None],
    page: Message,
    now: datetime,
) -> None:
    notifier = Notifier(url=f"http://127.0.0.1:{talker(talk)}/", timeout=SHORT)
    started = time.monotonic()

    error = refusal(notifier, page, now)

    assert error.retryable
    assert time.monotonic() - started < 5


def test_an_endless_body_is_not_read(
    talker: Callable[[Callable[[socket.socket], None]], int], page: Message, now: datetime
) -> None:
    notifier = Notifier(url=f"http://127.0.0.1:{talker(endless_body)}/")

    assert notifier.send(page, now=now)[0].said == "204"


def test_a_trusted_certificate_is_accepted(page: Message, now: datetime, certificates: Certificates) -> None:
    with served(Receiver(), certificates.server("good")) as receiver:
        url = receiver.url().replace("http:", "https:")

        delivered = Notifier(url=url, ca_file=certificates.authority).send(page, now=now)

    assert delivered[0].said == "200"
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("bad", ["expired", "wrong-host", "self-signed", "good"])
def test_a_certificate_that_cannot_be_trusted_is_final_and_nothing_is_sent(
    page: Message, now: datetime, certificates: Certificates, bad: str
) -> None:
    # "good" is tried with the system's authorities, which do not know ours.
    ca_file = "" if bad == "good" else certificates.authority
    with served(Receiver(), certificates.server(bad)) as receiver:
        error = refusal(Notifier(url=receiver.url().replace("http:", "https:"), ca_file=ca_file), page, now)

    assert str(error).startswith("cannot trust 127.0.0.1:")
    assert not error.retryable
    assert receiver.requests == []


def test_tls_1_0_is_refused(page: Message, now: datetime, certificates: Certificates) -> None:
    with served(Receiver(), certificates.server("tls1.0")) as receiver:
        refusal(Notifier(url=receiver.url().replace("http:", "https:"), ca_file=certificates.authority), page, now)

    assert receiver.requests == []


@pytest.mark.parametrize("talk", [silent, drip])
def test_a_tls_handshake_that_stalls_ends_at_the_deadline(
    talker: Callable[[Callable[[socket.socket], None]], int],
    talk: Callable[[socket.socket], None],
    page: Message,
    now: datetime,
) -> None:
    started = time.monotonic()

    error = refusal(Notifier(url=f"https://127.0.0.1:{talker(talk)}/", timeout=SHORT), page, now)

    assert error.retryable
    assert time.monotonic() - started < 5


def test_a_missing_ca_file_is_named(page: Message, now: datetime, receiver: Receiver) -> None:
    url = receiver.url().replace("http:", "https:")

    error = refusal(Notifier(url=url, ca_file="/no/such/ca.pem"), page, now)

    assert str(error) == "cannot use ca_file /no/such/ca.pem: No such file or directory"


@pytest.mark.parametrize("text", [None, "", "two\nlines", "caf\u00e9"])
def test_a_secret_that_cannot_be_used_is_final_and_nothing_is_sent_unsigned(
    receiver: Receiver, page: Message, now: datetime, tmp_path: Path, text: str | None
) -> None:
    secret = tmp_path / "secret"
    if text is not None:
        secret.write_text(text)

    error = refusal(Notifier(url=receiver.url(), secret_file=str(secret)), page, now)

    assert not error.retryable
    assert str(secret) in str(error)
    assert receiver.requests == []


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1"]
)
def test_an_address_that_nobody_may_be_sent_to_is_refused(page: Message, now: datetime, address: str) -> None:
    error = refusal(Notifier(url=f"http://{address}/", timeout=SHORT), page, now)

    assert not error.retryable
    assert "cannot send to" in str(error)


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "017700000001"])
def test_another_spelling_of_an_address_is_checked_as_what_it_means(page: Message, now: datetime, name: str) -> None:
    error = refusal(Notifier(url=f"http://{name}:1/", timeout=timedelta(seconds=2)), page, now)

    assert str(error).startswith(("cannot post to", "cannot resolve"))


def test_a_name_is_resolved(receiver: Receiver, page: Message, now: datetime) -> None:
    Notifier(url=f"http://localhost:{receiver.port}/").send(page, now=now)

    assert receiver.requests[0][1]["Host"] == f"localhost:{receiver.port}"


def test_a_name_that_does_not_exist_is_tried_again(page: Message, now: datetime) -> None:
    error = refusal(Notifier(url="http://no-such-host.invalid/", timeout=timedelta(seconds=3)), page, now)

    assert error.retryable
    assert "cannot resolve no-such-host.invalid" in str(error)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/shadow", "allowed are http://host/… and https://host/…"),
        ("ftp://example.org/", "allowed are http://host/… and https://host/…"),
        ("gopher://example.org/", "allowed are http://host/… and https://host/…"),
        ("http:///hook", "allowed are http://host/… and https://host/…"),
        ("http://user:pw@example.org/", "token_file"),
        ("http://example.org:99999/", "its port is not a number from 1 to 65535"),
        ("http://example.org/a\r\nX: y", "only printable ASCII"),
        ("http://example.org/a b", "only printable ASCII"),
    ],
)
def test_a_url_that_could_never_work_is_refused_at_once(url: str, said: str) -> None:
    with pytest.raises(ValueError, match="cannot use") as refused:
        Notifier(url=url)

    assert said in str(refused.value)
    assert "pw" not in str(refused.value)
