"""What systemd hears from us, on a real datagram socket."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.host.notify import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["file", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    address = str(tmp_path / "notify") if request.param == "file" else f"@opsagent-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address if request.param == "file" else "\0" + address[1:])
        listening.settimeout(5)
        yield listening, address


def test_every_word_arrives(ear: tuple[socket.socket, str]) -> None:
    listening, address = ear
    supervisor = Supervisor(address=address)

    told = [supervisor.ready("watching\n12 checks"), supervisor.status("all well"), supervisor.alive()]
    told.append(supervisor.stopping("bye"))

    assert told == [True] * 4
    assert [listening.recv(4096).decode() for _ in told] == [
        "READY=1\nSTATUS=watching 12 checks",
        "STATUS=all well",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=bye",
    ]


def test_a_reload_carries_the_time_that_newer_systemds_ask_for(ear: tuple[socket.socket, str]) -> None:
    listening, address = ear
    before = time.monotonic_ns() // 1000

    Supervisor(address=address).reloading()

    word, stamp = listening.recv(4096).decode().splitlines()
    assert word == "RELOADING=1"
    assert before <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_long_start_asks_for_another_minute(ear: tuple[socket.socket, str]) -> None:
    listening, address = ear

    Supervisor(address=address).starting("reading the event log")

    assert listening.recv(4096).decode() == "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=reading the event log"


def test_a_status_cannot_say_anything_else(ear: tuple[socket.socket, str]) -> None:
    listening, address = ear

    Supervisor(address=address).status("bad name\nREADY=1\nMAINPID=1" + "x" * 1000)

    (line,) = listening.recv(4096).decode().splitlines()
    assert line.startswith("STATUS=bad name READY=1 MAINPID=1xxx")
    assert len(line) <= 407


def test_the_environment_is_emptied_so_that_no_child_can_speak_for_us() -> None:
    environment = {
        "NOTIFY_SOCKET": "/x",
        "WATCHDOG_USEC": "120000000",
        "WATCHDOG_PID": str(os.getpid()),
        "PATH": "/bin",
    }

    supervisor = Supervisor.from_environment(environment)

    assert environment == {"PATH": "/bin"}
    assert supervisor == Supervisor(address="/x", watchdog=timedelta(minutes=2))


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}])
def test_a_watchdog_that_is_not_ours_is_none(environment: dict[str, str]) -> None:
    assert Supervisor.from_environment(environment).watchdog is None


def test_nobody_listening_stops_nobody(tmp_path: Path) -> None:
    assert not Supervisor().ready("up")
    assert not Supervisor(address=str(tmp_path / "gone")).alive()


def test_a_supervisor_that_does_not_read_cannot_hold_us(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        supervisor = Supervisor(address=str(tmp_path / "deaf"))
        began = time.monotonic()

        told = [supervisor.alive() for _ in range(2000)]

    assert not all(told)
    assert time.monotonic() - began < 5
