"""Looking names up beside the look, bounded."""

from __future__ import annotations

import resource
import socket
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks.wire import names
from opsagent.checks.wire.stage import BlindError, StageError, Stages
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A resolver that does not answer before the test is over; yields the names it was asked for."""
    released = threading.Event()
    asked: list[str] = []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        released.wait(10)
        return []

    monkeypatch.setattr(names, "_running", {})
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield asked
    released.set()
    for thread in threading.enumerate():
        if thread.name.startswith("resolve "):
            thread.join(timeout=5)


def look_up(name: str, within: timedelta = timedelta(milliseconds=10)) -> None:
    names.addresses(name, Stages(within))


def test_a_resolver_that_hangs_holds_a_bounded_number_of_threads(hanging: list[str]) -> None:
    for number in range(names.MOST):
        with pytest.raises(StageError):
            look_up(f"n{number}.example")

    with pytest.raises(BlindError, match="32 names are being looked up") as refused:
        look_up("one-more.example")

    assert refused.value.reading.status is Status.UNKNOWN
    assert len(hanging) == names.MOST


def test_an_address_needs_no_resolver_even_when_it_hangs(hanging: list[str]) -> None:
    look_up("127.0.0.1")

    assert hanging == []


def test_a_name_that_was_answered_is_asked_anew_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (next(answers), 0))])

    found = [names.addresses("changing.example", Stages(timedelta(seconds=60))) for _ in range(2)]

    assert [[str(address) for address in one] for one in found] == [["127.0.0.1"], ["127.0.0.2"]]


def test_a_name_that_breaks_the_resolver_itself_is_a_failure_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolver(*_: Any, **__: Any) -> list[Any]:
        raise UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    with pytest.raises(StageError, match=r"cannot resolve odd\.example: label too long"):
        look_up("odd.example", timedelta(seconds=60))


def test_without_a_thread_to_ask_we_are_blind_and_the_next_look_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as during:
        during.setattr(threading.Thread, "start", full)
        with pytest.raises(BlindError, match="cannot resolve localhost: can't start new thread"):
            look_up("localhost")

    assert names.looked_up("localhost", Stages(timedelta(seconds=5)))


def test_without_a_descriptor_we_are_blind_instead_of_believing_that_the_name_is_gone() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(BlindError, match="too many open files"):
            names.looked_up("db.example", Stages(timedelta(seconds=5)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
