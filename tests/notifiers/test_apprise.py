"""Apprise reaches real servers; each target is tracked apart; nothing is sent over a connection not trusted."""

from __future__ import annotations

import contextlib
import email
import json
import socket
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller

from opsagent.notifiers import NotifyError
from opsagent.notifiers.apprise import Notifier
from tests.notifiers.conftest import Certificates, Receiver, served

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from opsagent.core.message import Message


@dataclass
class Mailbox:
    """What an SMTP server was given; `refuses` names the recipients it will not take."""

    port: int = 0
    mode: str = ""
    refuses: set[str] = field(default_factory=set)
    mails: list[tuple[list[str], email.message.Message]] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 accepted"

    def url(self, person: str = "oncall", scheme: str = "mailto", more: str = "") -> str:
        return f"{scheme}://127.0.0.1:{self.port}?from=opsagent@web-1.example&to={person}@example.org{more}"


@contextlib.contextmanager
def mail_server(mailbox: Mailbox, context: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """Serve on a free port; aiosmtpd itself cannot say which one it got before it is asked for its sockets."""
    starttls = {"tls_context": context, "require_starttls": True} if mailbox.mode == "starttls" else {}
    with socket.create_server(("127.0.0.1", 0)) as free:
        mailbox.port = free.getsockname()[1]
    ssl_context = context if mailbox.mode == "ssl" else None
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, ssl_context=ssl_context, **starttls)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server(Mailbox()) as mailbox:
        yield mailbox


def test_a_page_arrives_by_mail(mailbox: Mailbox, page: Message, now: datetime) -> None:
    delivered = Notifier(url=mailbox.url()).send(page, now=now)

    [(recipients, mail)] = mailbox.mails
    assert [found.target.partition("-")[0] for found in delivered] == ["mailto"]
    assert recipients == ["oncall@example.org"]
    assert mail["Subject"] == page.title
    assert mail["Idempotency-Key"] == page.key
    assert page.body in mail.as_string()


def test_text_of_a_failing_service_stays_text(mailbox: Mailbox, page: Message, now: datetime) -> None:
    evil = replace(page, title="down\r\nBcc: evil@example.net", body="<script>alert(1)</script> \\n :skull: **x**")

    Notifier(url=mailbox.url(more="&format=html")).send(evil, now=now)

    [(recipients, mail)] = mailbox.mails
    assert recipients == ["oncall@example.org"]
    assert "Bcc" not in mail
    [html] = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    assert "<script>" not in str(html.get_payload(decode=True))


def test_only_the_target_that_failed_is_tried_again(mailbox: Mailbox, page: Message, now: datetime) -> None:
    notifier = Notifier(url=(mailbox.url("first"), mailbox.url("second")))
    mailbox.refuses = {"second@example.org"}

    with pytest.raises(NotifyError) as refused:
        notifier.send(page, now=now)
    mailbox.refuses = set()
    done = frozenset(found.target for found in refused.value.delivered)
    again = notifier.send(page, now=now, done=done)

    assert refused.value.retryable
    assert len(done) == len(again) == 1
    assert sorted(recipients for recipients, _ in mailbox.mails) == [["first@example.org"], ["second@example.org"]]


def test_when_all_have_it_nothing_is_started(page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    notifier = Notifier(url="json://127.0.0.1:1/")
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(NotifyError):
        notifier.send(page, now=now)

    assert notifier.send(page, now=now, done=frozenset(notifier._targets())) == ()


def test_a_mail_server_that_is_down_is_tried_again_and_named_without_secrets(
    page: Message, now: datetime, closed_port: int
) -> None:
    notifier = Notifier(url=f"mailto://oncall:hunter2@127.0.0.1:{closed_port}?from=a@b.example&to=c@d.example")

    with pytest.raises(NotifyError) as refused:
        notifier.send(page, now=now)

    assert refused.value.retryable
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).startswith("cannot notify mailto-")


def test_one_target_that_hangs_holds_up_no_other(
    mailbox: Mailbox, talker: Callable[[Callable[[socket.socket], None]], int], page: Message, now: datetime
) -> None:
    def silent(peer: socket.socket) -> None:
        while peer.recv(65_536):
            pass

    hanging = f"json://127.0.0.1:{talker(silent)}/?rto=60"
    notifier = Notifier(url=(hanging, mailbox.url()), timeout=timedelta(seconds=3))
    started = time.monotonic()

    with pytest.raises(NotifyError) as refused:
        notifier.send(page, now=now)

    assert time.monotonic() - started < 4
    assert refused.value.retryable
    assert [found.target.partition("-")[0] for found in refused.value.delivered] == ["mailto"]
    assert "no answer within 3 s" in str(refused.value)


def test_an_unknown_service_is_final(page: Message, now: datetime) -> None:
    with pytest.raises(NotifyError) as refused:
        Notifier(url="nosuchservice://x").send(page, now=now)

    assert not refused.value.retryable
    assert "apprise knows no such service" in str(refused.value)


def test_addresses_come_from_a_file(mailbox: Mailbox, page: Message, now: datetime, tmp_path: Path) -> None:
    file = tmp_path / "addresses"
    file.write_text(f"# the team\n{mailbox.url('a')}\n\n{mailbox.url('b')}\n")

    delivered = Notifier(url_file=str(file)).send(page, now=now)

    assert len(delivered) == 2
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize("text", [None, "", "# nobody\n", "not an address\n", "mailtos://x.example?verify=No\n"])
def test_a_file_that_cannot_be_used_is_final(page: Message, now: datetime, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "addresses"
    if text is not None:
        file.write_text(text)

    with pytest.raises(NotifyError) as refused:
        Notifier(url_file=str(file)).send(page, now=now)

    assert not refused.value.retryable
    assert str(refused.value).startswith(f"cannot use url_file {file}: ")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"url": "mailto://x.example", "url_file": "/x"},
        {"url": "no scheme"},
        {"url": "mailtos://u:hunter2@x.example?verify=no"},
        {"url": ("mailto://x.example", "jsons://x.example/?VERIFY=False")},
    ],
)
def test_what_could_never_work_is_refused_at_once(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot") as refused:
        Notifier(**fields)

    assert "hunter2" not in str(refused.value)


def test_a_page_arrives_in_a_matrix_room(receiver: Receiver, page: Message, now: datetime) -> None:
    receiver.replies = {
        "/login": {"access_token": "token", "user_id": "@ops:example.org", "home_server": "example.org"},
        "/join/": {"room_id": "!room:example.org"},
        "/send/m.room.message/": {"event_id": "$1"},
    }
    url = f"matrix://ops:pw@127.0.0.1:{receiver.port}/!room:example.org?version=3"

    Notifier(url=url).send(page, now=now)

    sent = [(path, json.loads(body)) for path, _, body in receiver.requests if "/send/m.room.message/" in path]
    assert len(sent) == 1
    assert page.title in sent[0][1]["body"]
    assert page.body in sent[0][1]["body"]


def test_a_matrix_server_in_trouble_is_tried_again(receiver: Receiver, page: Message, now: datetime) -> None:
    receiver.answers = [(502, {})]

    with pytest.raises(NotifyError) as refused:
        Notifier(url=f"matrix://ops:hunter2@127.0.0.1:{receiver.port}/!room:example.org").send(page, now=now)

    assert refused.value.retryable
    assert "hunter2" not in str(refused.value)


def test_proxies_of_the_environment_are_ignored(
    receiver: Receiver, page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")

    assert Notifier(url=f"json://127.0.0.1:{receiver.port}/").send(page, now=now)


def test_a_redirect_is_not_followed(receiver: Receiver, page: Message, now: datetime) -> None:
    with served(Receiver()) as other:
        receiver.answers = [(307, {"Location": other.url()})]

        with pytest.raises(NotifyError):
            Notifier(url=f"json://ops:hunter2@127.0.0.1:{receiver.port}/").send(page, now=now)

    assert other.requests == []


SERVERS = ("good", "expired", "wrong-host", "self-signed", "tls1.0")


@pytest.fixture
def web_servers(certificates: Certificates) -> Iterator[dict[str, Receiver]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(served(Receiver(), certificates.server(name))) for name in SERVERS}


@pytest.fixture(params=["starttls", "ssl"])
def mail_servers(certificates: Certificates, request: pytest.FixtureRequest) -> Iterator[dict[str, Mailbox]]:
    # aiosmtpd calls itself by TLS when it starts, which it cannot do with TLS 1.0 any more.
    names = SERVERS if request.param == "starttls" else SERVERS[:-1]
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(mail_server(Mailbox(mode=request.param), certificates.server(name)))
            for name in names
        }


def test_https_targets_must_prove_who_they_are(
    page: Message, now: datetime, certificates: Certificates, web_servers: dict[str, Receiver]
) -> None:
    urls = tuple(f"jsons://127.0.0.1:{server.port}/" for server in web_servers.values())

    with pytest.raises(NotifyError) as refused:
        Notifier(url=urls, ca_file=certificates.authority).send(page, now=now)

    assert len(refused.value.delivered) == 1
    assert [name for name, server in web_servers.items() if server.requests] == ["good"]


def test_mail_servers_must_prove_who_they_are(
    page: Message, now: datetime, certificates: Certificates, mail_servers: dict[str, Mailbox]
) -> None:
    urls = tuple(box.url(scheme="mailtos", more=f"&mode={box.mode}") for box in mail_servers.values())

    with pytest.raises(NotifyError) as refused:
        Notifier(url=urls, ca_file=certificates.authority).send(page, now=now)

    assert len(refused.value.delivered) == 1
    assert [name for name, box in mail_servers.items() if box.mails] == ["good"]


def test_an_authority_that_nobody_named_is_not_trusted(
    page: Message, now: datetime, web_servers: dict[str, Receiver], mail_servers: dict[str, Mailbox]
) -> None:
    web, box = web_servers["good"], mail_servers["good"]
    urls = (f"jsons://127.0.0.1:{web.port}/", box.url(scheme="mailtos", more=f"&mode={box.mode}"))

    with pytest.raises(NotifyError) as refused:
        Notifier(url=urls).send(page, now=now)

    assert refused.value.delivered == ()
    assert web.requests == []
    assert box.mails == []
