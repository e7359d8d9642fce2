"""A bus that does not behave: every wait has an end, and a broken connection is said."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from opsagent.host.bus import Bus, BusLostError, address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def authenticate(connection: socket.socket) -> None:
    """Play the bus's part of the greeting."""
    text = b""
    while b"AUTH EXTERNAL" not in text:
        text += connection.recv(4096)
    connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
    while b"BEGIN" not in text:
        text += connection.recv(4096)


def silent(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.recv(4096)


def silent_later(connection: socket.socket) -> None:
    authenticate(connection)
    connection.recv(4096)


def gone_later(connection: socket.socket) -> None:
    authenticate(connection)


@pytest.fixture
def play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[socket.socket], None]], None]]:
    """Return what puts a bus with this behaviour where the system bus is looked for."""
    ended = threading.Event()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "bus"))
    server.listen()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    threads: list[threading.Thread] = []

    def serve(behave: Callable[[socket.socket], None]) -> None:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            behave(connection)
            if behave is not gone_later:
                ended.wait(5)

    def start(behave: Callable[[socket.socket], None]) -> None:
        threads.append(threading.Thread(target=serve, args=(behave,)))
        threads[0].start()

    yield start
    ended.set()
    server.close()
    for thread in threads:
        thread.join(10)


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (silent, "cannot reach the system bus: Did not authenticate in 0.3 seconds"),
        (silent_later, "no answer to Hello"),
        (gone_later, "cannot send Hello|the bus c"),
    ],
)
def test_a_bus_that_does_not_answer_is_given_up_in_time(
    play: Callable[[Callable[[socket.socket], None]], None], behave: Callable[[socket.socket], None], said: str
) -> None:
    play(behave)
    began = time.monotonic()

    with pytest.raises(BusLostError, match=said):
        Bus("system", timeout=0.3)

    assert time.monotonic() - began < 3


def test_a_bus_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")

    with pytest.raises(BusLostError, match="cannot reach the system bus: "):
        Bus("system")


@pytest.mark.parametrize("nonsense", ["", "tcp:host=1", "nonsense"])
def test_an_address_that_is_none_is_said_too(monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", nonsense or "unix:nothing=here")

    with pytest.raises(BusLostError, match="cannot reach the user bus: "):
        Bus("user")


def test_a_users_bus_is_found_without_a_word_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)

    assert address("user") == f"/run/user/{os.getuid()}/bus"
