"""The HTTP door against real clients: slow ones, loud ones, and too many at once."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.interfaces.web import server
from opsagent.interfaces.web.message import LARGEST_BODY, LARGEST_HEAD, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Answering:
    """Says back what it was told, once it may."""

    may: threading.Event = field(default_factory=threading.Event)
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        self.may.wait(20)
        self.asked.append(request)
        return Reply(body=f"{request.method} {'/'.join(request.path)} {len(request.body)}")


@pytest.fixture
def answering() -> Answering:
    made = Answering()
    made.may.set()
    return made


@pytest.fixture
def port(answering: Answering, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(server, "_LOOK_AT_STOP", 0.02)
    monkeypatch.setattr(server, "WITHIN", timedelta(seconds=0.5))
    made, stop = server.Server(("127.0.0.1", 0), answering), threading.Event()
    port = made.open()
    thread = threading.Thread(target=made.serve, args=(stop,))
    thread.start()
    yield port
    answering.may.set()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read()


def say(port: int, text: bytes) -> bytes:
    """Send bytes as they are and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(text)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_is_answered_with_its_body_whole(port: int) -> None:
    assert ask(port, "POST", "/a/b", b"x" * 300_000) == (200, b"POST a/b 300000")
    assert ask(port, "HEAD", "/a") == (200, b"")


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(1000).endswith(b"POST a 3")


def test_what_is_too_large_is_refused_and_the_refusal_can_be_read(port: int, answering: Answering) -> None:
    assert ask(port, "POST", "/a", b"x" * (LARGEST_BODY + 1))[0] == 413
    assert say(port, b"GET / HTTP/1.1\r\nx: " + b"x" * LARGEST_HEAD).startswith(b"HTTP/1.1 431 ")
    assert say(port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert answering.asked == []


def test_a_client_that_drips_is_cut_off_by_the_time_of_the_whole_request(port: int, answering: Answering) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.settimeout(0.1)
        got, until = b"", time.monotonic() + 20
        while not got and time.monotonic() < until:
            connection.sendall(b"G")
            try:
                got = connection.recv(1000)
            except TimeoutError:
                continue

    assert got.startswith(b"HTTP/1.1 408 ")
    assert answering.asked == []


def test_a_crowd_is_told_to_come_again_and_harms_nobody_after_it(port: int, answering: Answering) -> None:
    answering.may.clear()
    crowd = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(server.MOST)]
    for one in crowd:
        one.sendall(b"GET /a HTTP/1.1\r\n\r\n")

    assert say(port, b"").startswith(b"HTTP/1.1 503 ")
    answering.may.set()
    for one in crowd:
        with one:
            assert one.recv(1000).startswith(b"HTTP/1.1 200 ")
    until = time.monotonic() + 20
    while ask(port, "GET", "/a")[0] != 200:
        assert time.monotonic() < until


def test_an_address_that_is_taken_is_an_error_at_once(port: int, answering: Answering) -> None:
    with pytest.raises(OSError, match="in use"):
        server.Server(("127.0.0.1", port), answering).open()
