"""The dns check, against a small server of our own that answers well and badly."""

from __future__ import annotations

import socket
import struct
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.checks import observe
from opsagent.checks.dns import Check
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reply = Callable[[bytes], bytes | None]

SHORT = timedelta(milliseconds=300)


class Resolver:
    """A DNS server on loopback; `reply` turns a question into the bytes to send, or None for silence."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.asked: list[bytes] = []
        self.reply: Reply = lambda _: None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            question, client = self.sock.recvfrom(4096)
            if question == b"stop":
                return
            self.asked.append(question)
            if (answer := self.reply(question)) is not None:
                self.sock.sendto(answer, client)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"stop", ("127.0.0.1", self.port))
        self.thread.join(timeout=5)
        self.sock.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.close()


@pytest.fixture
def resolver(running: Resolver) -> Resolver:
    running.asked.clear()
    return running


def record(kind: int, content: bytes) -> bytes:
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(content)) + content


def replying(*records: bytes, code: int = 0) -> Reply:
    return lambda asked: (
        asked[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0) + asked[12:] + b"".join(records)
    )


A = record(1, bytes([10, 0, 0, 1]))
B = record(1, bytes([10, 0, 0, 2]))
ALIAS = record(5, b"\x05other\xc0\x0c")
SIX = record(28, bytes([0x20, 1, *[0] * 13, 1]))


def look(resolver: Resolver, **options: Any) -> Any:
    return observe(Check(lookup="db.example", server="127.0.0.1", port=resolver.port, **options))


def test_a_name_that_resolves_is_ok(resolver: Resolver) -> None:
    resolver.reply = replying(ALIAS, A, B)

    reading = look(resolver)

    assert reading.status is Status.OK
    assert reading.message.startswith("db.example is 10.0.0.1, 10.0.0.2 (")
    assert b"\x02db\x07example\x00\x00\x01\x00\x01" in resolver.asked[0]


def test_ipv6_addresses_are_asked_for_by_type(resolver: Resolver) -> None:
    resolver.reply = replying(SIX)

    assert look(resolver, type="AAAA", expect=("2001:0::1",)).status is Status.OK
    assert look(resolver).failure_class == "dns"


def test_the_expected_addresses_must_be_among_the_answer(resolver: Resolver) -> None:
    resolver.reply = replying(A, B)

    assert look(resolver, expect=("10.0.0.2",)).status is Status.OK
    wrong = look(resolver, expect=("10.0.0.2", "10.0.0.9"))
    assert (wrong.status, wrong.failure_class) == (Status.CRITICAL, "wrong")
    assert wrong.message.endswith("expected 10.0.0.9")


@pytest.mark.parametrize(
    ("code", "words"), [(3, "there is no such name"), (2, "server failure"), (5, "refused"), (9, "code 9")]
)
def test_a_refusal_is_named(resolver: Resolver, code: int, words: str) -> None:
    resolver.reply = replying(code=code)

    reading = look(resolver)

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "dns")
    assert words in reading.message


def test_a_name_without_such_an_address_is_named(resolver: Resolver) -> None:
    resolver.reply = replying()

    assert "knows db.example but no A address" in look(resolver).message


def test_one_lost_packet_is_no_failure(resolver: Resolver) -> None:
    answer = replying(A)
    resolver.reply = lambda asked: answer(asked) if len(resolver.asked) > 1 else None

    assert look(resolver, timeout=SHORT).status is Status.OK


def test_an_answer_that_was_cut_is_asked_for_in_full(resolver: Resolver) -> None:
    cut = replying()
    resolver.reply = lambda asked: asked[:2] + b"\x83\x80" + cut(asked)[4:]
    with socket.create_server(("127.0.0.1", resolver.port)) as listener:
        asked = []

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                asked.append(client.recv(4096))
                full = replying(*[A] * 100, B)(asked[0][2:])
                client.sendall(struct.pack("!H", len(full)) + full[:700])
                client.sendall(full[700:])

        thread = threading.Thread(target=answer)
        thread.start()
        reading = look(resolver, expect=("10.0.0.2",))
        thread.join()

    assert reading.status is Status.OK
    assert asked == [struct.pack("!H", len(resolver.asked[0])) + resolver.asked[0]]


def test_a_cut_answer_without_a_way_to_the_whole_is_named(resolver: Resolver) -> None:
    cut = replying()
    resolver.reply = lambda asked: asked[:2] + b"\x83\x80" + cut(asked)[4:]

    assert look(resolver).failure_class == "refused"


def test_silence_is_a_timeout(resolver: Resolver) -> None:
    resolver.reply = lambda _: None
    began = time.monotonic()

    reading = look(resolver, timeout=SHORT)

    assert time.monotonic() - began < 5
    assert (reading.status, reading.failure_class, reading.timed_out) == (Status.CRITICAL, "timeout", True)
    assert len(resolver.asked) == 3


def test_a_server_that_is_not_there_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]

    reading = observe(Check(lookup="db.example", server="127.0.0.1", port=port))

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "refused")


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda asked: asked,
        lambda asked: asked[:2] + b"\x81",
        lambda asked: asked[:2] + struct.pack("!HHHHH", 0x8180, 1, 9, 0, 0) + asked[12:],
        lambda asked: asked[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + b"\x01x\x00\x00\x01\x00\x01" + A,
    ],
)
def test_an_answer_that_makes_no_sense_is_named(resolver: Resolver, nonsense: Reply) -> None:
    resolver.reply = nonsense

    reading = look(resolver, timeout=SHORT)

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "protocol")


@given(noise=st.binary(max_size=80))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_server_says_the_answer_is_a_reading(resolver: Resolver, noise: bytes) -> None:
    head = struct.pack("!HHHHH", 0x8180, 1, 3, 0, 0)
    resolver.reply = lambda asked: asked[:2] + head + asked[12:] + noise

    assert look(resolver, timeout=SHORT).failure_class in {None, "dns", "protocol"}


def test_the_hosts_own_resolver_is_asked_without_a_server() -> None:
    reading = observe(Check(lookup="localhost"))

    assert reading.status is Status.OK
    assert "127.0.0.1" in reading.message or "::1" in reading.message


@pytest.mark.parametrize(
    "options",
    [
        {"lookup": "127.0.0.1"},
        {"lookup": "a b"},
        {"lookup": "a", "server": "b"},
        {"lookup": "a", "expect": ("b",)},
        {"lookup": "a", "server": "127.0.0.1", "port": 0},
        {"lookup": "a", "type": "AAAA"},
    ],
)
def test_what_can_never_be_asked_is_refused_in_the_settings(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^cannot"):
        Check(**options)
