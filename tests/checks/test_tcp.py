"""The tcp check: connect, say a line, wait for an answer."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks import observe
from opsagent.checks.tcp import Check
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = timedelta(milliseconds=300)


def test_an_open_port_is_ok(silent: Any) -> None:
    reading = observe(Check(port=silent.port))

    assert reading.status is Status.OK
    assert reading.message.startswith(f"127.0.0.1:{silent.port} answers in ")


def test_a_closed_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]

    reading = observe(Check(port=port))

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "refused")


def test_what_is_said_and_what_comes_back_are_compared(serve: Callable[..., Any]) -> None:
    server = serve(b"+PONG\r\n")

    reading = observe(Check(port=server.port, send="PING\r\n\r\n", expect="+PONG"))

    assert reading.status is Status.OK
    assert server.requests == [b"PING\r\n\r\n"]


def test_another_answer_is_critical_and_shown_safely(serve: Callable[..., Any]) -> None:
    server = serve(b"-ERR \x1b[31mno\xff")

    reading = observe(Check(port=server.port, send="PING\r\n\r\n", expect="+PONG"))

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "output")
    assert "closed the connection after" in reading.message
    assert reading.message.isprintable()


def test_silence_is_a_timeout(silent: Any) -> None:
    reading = observe(Check(port=silent.port, send="PING\r\n\r\n", expect="+PONG", timeout=SHORT))

    assert (reading.status, reading.failure_class, reading.timed_out) == (Status.CRITICAL, "timeout", True)
    assert "'+PONG'" in reading.message


def test_an_answer_that_never_becomes_the_right_one_is_shown(serve: Callable[..., Any]) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(b"-NOAUTH Authentication required.\r\n")
        client.recv(1)

    port = serve(talk).port
    reading = observe(Check(port=port, send="PING\r\n\r\n", expect="+PONG", timeout=SHORT))

    heard = "'-NOAUTH Authentication required.'"
    assert reading.message == f"cannot hear '+PONG' from 127.0.0.1:{port}, only {heard}, within 0.3 s"


def test_a_dripping_server_ends_at_the_deadline(drip: Callable[..., Any]) -> None:
    began = time.monotonic()

    reading = observe(Check(port=drip(b"", b"x").port, send="\r\n\r\n", expect="never", timeout=SHORT))

    assert time.monotonic() - began < 5
    assert reading.timed_out


def test_an_endless_answer_is_read_only_so_far(serve: Callable[..., Any]) -> None:
    sent = []

    def talk(client: socket.socket) -> None:
        while len(sent) < 10_000:
            client.sendall(b"x" * 65536)
            sent.append(1)

    reading = observe(Check(port=serve(talk).port, send="\r\n\r\n", expect="never"))

    assert len(sent) < 200
    assert " said 'xxx" in reading.message


@pytest.mark.parametrize(
    "options", [{"port": 0}, {"port": 65536}, {"port": 1, "host": "127.1"}, {"port": 1, "host": "a b"}]
)
def test_what_can_never_be_asked_is_refused_in_the_settings(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^cannot use"):
        Check(**options)
