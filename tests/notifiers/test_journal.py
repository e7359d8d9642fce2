"""The last resort always takes the message."""

from __future__ import annotations

import io
import socket
import struct
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from opsagent.core.message import Delivered, Message, MessageKind
from opsagent.notifiers import journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path


@pytest.fixture
def journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = str(tmp_path / "socket")
    monkeypatch.setattr(journal, "SOCKET", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(2)
        yield server


def fields(datagram: bytes) -> dict[str, str]:
    found = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        (length,) = struct.unpack("<Q", rest[:8])
        found[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        datagram = rest[9 + length :]
    return found


def test_a_page_is_a_critical_line_with_its_incident(journald: socket.socket, page: Message, now: datetime) -> None:
    delivered = journal.Notifier().send(page, now=now)

    assert delivered == (Delivered(target="journal"),)
    assert fields(journald.recv(65_536)) == {
        "MESSAGE": f"{page.title}\n{page.body}",
        "PRIORITY": "2",
        "SYSLOG_IDENTIFIER": "opsagent",
        "OPSAGENT_EVENT": "page",
        "OPSAGENT_INCIDENT": "OPS-20261118-002",
        "OPSAGENT_KEY": page.key,
    }


def test_a_recovery_is_a_notice(journald: socket.socket, page: Message, now: datetime) -> None:
    journal.Notifier().send(replace(page, kind=MessageKind.RECOVERY), now=now)

    assert fields(journald.recv(65_536))["PRIORITY"] == "5"


def test_text_cannot_forge_a_field(journald: socket.socket, page: Message, now: datetime) -> None:
    journal.Notifier().send(replace(page, body="x\nPRIORITY=0\n_UID=0"), now=now)

    assert fields(journald.recv(65_536))["PRIORITY"] == "2"


def test_a_huge_body_and_undecodable_bytes_are_taken(journald: socket.socket, page: Message, now: datetime) -> None:
    delivered = journal.Notifier().send(replace(page, body="\udcff" + "x" * 1_000_000), now=now)

    assert delivered[0].target == "journal"
    assert len(journald.recv(65_536)) < 40_000


def test_without_journald_it_goes_to_stderr(
    page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "nobody"))

    delivered = journal.Notifier().send(page, now=now)

    assert delivered == (Delivered(target="stderr"),)
    assert page.title in capsys.readouterr().err


def test_a_full_socket_does_not_block(journald: socket.socket, page: Message, now: datetime) -> None:
    targets = {journal.Notifier().send(page, now=now)[0].target for _ in range(2000)}

    assert targets == {"journal", "stderr"}


@pytest.mark.parametrize("broken", [None, "closed"])
def test_even_without_stderr_nothing_is_raised(
    page: Message, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str | None
) -> None:
    stream = io.StringIO() if broken else None
    if stream:
        stream.close()
    monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "nobody"))
    monkeypatch.setattr(sys, "stderr", stream)

    assert journal.Notifier().send(page, now=now)
