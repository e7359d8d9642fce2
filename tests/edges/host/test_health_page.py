"""Asking /health once: any answer is read to its end, and none can hold us."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.host.health_page import ASKED_PORTS, health_status, health_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = timedelta(milliseconds=300)


@contextmanager
def served(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one connection on loopback and yield its port and what was asked."""
    asked: list[bytes] = []

    def serve(server: socket.socket) -> None:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            try:
                asked.append(connection.recv(4096))
                answer(connection)
            except OSError:
                asked.append(b"broken")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.0 200 OK\r\n" * 100:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.05)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
        (b"HTTP/1.0 503 Service Unavailable\r\n\r\n", 503),
        (b"HTTP/1.1 204\r\n\r\n", 204),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"HTTP/1.1 abc\r\n\r\n", None),
        (b"", None),
    ],
)
def test_the_status_line_tells(answer: bytes, status: int | None) -> None:
    with served(lambda connection: connection.sendall(answer)) as (port, asked):
        found = health_status("127.0.0.1", port)

    assert found == status
    assert len(asked) == 1
    assert asked[0].startswith(b"GET /health HTTP/1.0\r\nHost: localhost\r\nUser-Agent: opsagent\r\n")


def test_a_long_answer_is_read_to_its_end_so_that_nobody_logs_a_broken_connection() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 40_000)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # a reset, if the other side left before it had read all

    with served(answer) as (port, asked):
        found = health_status("127.0.0.1", port)

    assert (found, len(asked)) == (200, 1)


@pytest.mark.parametrize(("behave", "status"), [(drip, None), (endless, 200), (lambda c: c.recv(1), None)])
def test_no_answer_can_hold_us(behave: Callable[[socket.socket], None], status: int | None) -> None:
    with served(behave) as (port, _):
        began = time.monotonic()
        found = health_status("127.0.0.1", port, SOON)
        took = time.monotonic() - began

    assert found == status
    assert took < 2


def test_a_closed_port_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert health_status("127.0.0.1", port) is None


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("127.0.0.1", 8080, "http://127.0.0.1:8080/health"),
        ("127.0.0.1", 80, "http://127.0.0.1/health"),
        ("::1", 443, "https://[::1]/health"),
        ("::1", 8443, "https://[::1]:8443/health"),
    ],
)
def test_the_url_is_the_one_a_check_would_use(address: str, port: int, url: str) -> None:
    assert health_url(address, port) == url


def test_only_ports_where_http_is_usual_are_asked() -> None:
    assert {80, 443, 3000, 5000, 8000, 8999} <= ASKED_PORTS
    assert not {22, 3306, 5432, 6379, 9000, 27017} & ASKED_PORTS
