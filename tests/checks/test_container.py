"""The container check, against an engine of our own that answers as a real Podman did, and against the reader."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks import container, observe, remembering
from opsagent.checks.container import Check
from opsagent.checks.wire import sharing
from opsagent.core.container import Told, text_of
from opsagent.core.observation import Reading, Status
from opsagent.host import container_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = Callable[[bytes], bytes | None]

RECORDED = Path(__file__).parent / "podman-4.3.1"
SHORT = timedelta(milliseconds=300)


class Engine:
    """Something that listens on a Unix socket; `answer` turns what is asked into what is said, None is silence."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[bytes] = []
        self.answer: Answer = recorded
        self._silent: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.asked.append(heard(client))
                said = self.answer(self.asked[-1])
                if said is None:
                    self._silent.append(client)
                    continue
                with contextlib.suppress(OSError), client:
                    client.sendall(said)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)
        for client in self._silent:
            client.close()


def heard(client: socket.socket) -> bytes:
    """Return what the other side says within a moment; the reader is told nothing."""
    client.settimeout(0.05)
    try:
        return client.recv(65536)
    except TimeoutError:
        return b""


def recorded(asked: bytes) -> bytes:
    """Answer as Podman 4.3.1 did; it knows the containers web, ends, loop and sick."""
    found = re.match(rb"GET /containers/(\w+)/json HTTP/1\.0\r\n", asked)
    name = found[1].decode() if found else ""
    known = RECORDED / f"{name}.http"
    return (known if known.exists() else RECORDED / "none.http").read_bytes()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    running = Engine(tmp_path / "api.sock")
    yield running
    running.close()


class Watch:
    def __init__(self, **options: Any) -> None:
        self.kept = ""
        self._check = remembering(Check(**options), lambda: self.kept, self._keep)

    def _keep(self, text: str) -> None:
        self.kept = text

    def look(self) -> Reading:
        return observe(self._check)


def verdict(reading: Reading) -> tuple[Status, str | None]:
    return reading.status, reading.failure_class


@pytest.mark.parametrize(
    ("name", "expected", "words"),
    [
        ("web", (Status.OK, None), "container web (podman, localhost/local/box:latest) runs"),
        ("ends", (Status.CRITICAL, "ended"), "ended with exit code 3"),
        ("sick", (Status.CRITICAL, "unhealthy"), "and is unhealthy"),
        ("other", (Status.CRITICAL, "absent"), "there is no container other (podman)"),
    ],
)
def test_a_real_engines_answers_are_judged(
    engine: Engine, name: str, expected: tuple[Status, str | None], words: str
) -> None:
    reading = Watch(container=name, engine="podman", socket=str(engine.path)).look()

    assert verdict(reading) == expected
    assert words in reading.message


def test_a_container_that_is_restarted_from_look_to_look_is_in_a_loop(engine: Engine) -> None:
    watch = Watch(container="loop", engine="podman", socket=str(engine.path))
    first = watch.look()
    engine.answer = lambda asked: re.sub(rb'"RestartCount":\d+', b'"RestartCount":20', recorded(asked))

    second = watch.look()

    assert first.status is Status.OK
    assert verdict(second) == (Status.CRITICAL, "loop")
    assert "restarted 7 times within 10 min" in second.message


def test_a_container_whose_id_begins_like_the_name_is_another(engine: Engine) -> None:
    engine.answer = lambda _: (RECORDED / "web.http").read_bytes()

    assert verdict(Watch(container="a2bf", engine="podman", socket=str(engine.path)).look()) == (
        Status.CRITICAL,
        "absent",
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "in other words than HTTP"),
        (b"nonsense", "in other words than HTTP"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", "cannot understand"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + (RECORDED / "web.http").read_bytes()[-900:], "cannot understand"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"[" * 100_000, "cannot understand"),
        (b"HTTP/1.0 500 Oops\r\n\r\n", "answered 500"),
        (b"x" * 2_000_000, "more than 1 MiB"),
    ],
)
def test_an_engine_that_answers_badly_says_nothing_of_the_container(engine: Engine, said: bytes, words: str) -> None:
    engine.answer = lambda _: said

    reading = Watch(container="web", engine="podman", socket=str(engine.path)).look()

    assert verdict(reading) == (Status.UNKNOWN, "engine")
    assert words in reading.message


def test_an_engine_that_does_not_answer_ends_at_the_deadline(engine: Engine) -> None:
    engine.answer = lambda _: None
    began = time.monotonic()

    reading = Watch(container="web", engine="docker", socket=str(engine.path), timeout=SHORT).look()

    assert time.monotonic() - began < 2
    assert reading.status is Status.UNKNOWN
    assert "no answer from" in reading.message


def test_without_an_engine_nothing_is_known(tmp_path: Path) -> None:
    reading = Watch(container="web", engine="docker", socket=str(tmp_path / "none")).look()

    assert verdict(reading) == (Status.UNKNOWN, "engine")
    assert "docker is not here, or its API is off" in reading.message


@pytest.fixture
def reader(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Let the engine's socket be that of the reader of root's containers."""
    monkeypatch.setattr(container, "reader_socket", lambda _: str(engine.path))
    return engine


def test_the_reader_is_asked_without_a_word_and_believed(reader: Engine) -> None:
    reader.answer = lambda _: text_of(Told(engines=("docker",), asked=("web",))).encode()

    absent, unasked = Watch(container="web").look(), Watch(container="db").look()

    assert verdict(absent) == (Status.CRITICAL, "absent")
    assert verdict(unasked) == (Status.UNKNOWN, "setup")
    assert "its reader does not know it, run as root: opsagent install --refresh" in unasked.message
    assert set(reader.asked) == {b""}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", (Status.UNKNOWN, "engine")),
        (text_of(Told(asked=("web",))).encode(), (Status.UNKNOWN, "engine")),
        (text_of(Told(engines=("docker",), asked=("web",), errors=("it hangs",))).encode(), (Status.UNKNOWN, "engine")),
    ],
)
def test_a_reader_that_knows_nothing_proves_nothing(
    reader: Engine, said: bytes, expected: tuple[Status, str | None]
) -> None:
    reader.answer = lambda _: said

    assert verdict(Watch(container="web").look()) == expected


def test_a_reader_that_is_not_set_up_is_said_so() -> None:
    reading = Watch(container="web", user="nosuchuser").look()

    assert verdict(reading) == (Status.UNKNOWN, "setup")
    assert "run as root: opsagent install --refresh" in reading.message


def test_looks_that_wait_for_the_reader_share_its_answer(reader: Engine) -> None:
    told = text_of(Told(engines=("docker",), asked=("web",))).encode()
    waiting = threading.Barrier(11)

    def slowly(_: bytes) -> bytes:
        time.sleep(0.02)
        return told

    def look() -> None:
        waiting.wait(timeout=5)
        sharing.told_by(reader.path, timedelta(seconds=5))

    reader.answer = slowly
    threads = [threading.Thread(target=look) for _ in range(10)]
    for thread in threads:
        thread.start()
    waiting.wait(timeout=5)
    for thread in threads:
        thread.join(timeout=5)

    assert 1 <= len(reader.asked) <= 3


def test_the_reader_tells_what_it_was_told_to_and_reads_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-I", "-m", "opsagent.host.container_reader", "web", "-x", "a/../b"]

    done = subprocess.run(program, input=b"GET /\r\n", capture_output=True, check=True, cwd=tmp_path)

    assert b'"asked": ["web"]' in done.stdout
    assert done.stderr == b""


def test_engines_without_root_are_their_users() -> None:
    assert container_reader.sockets_of(0) == container_reader.OF_ROOT
    assert dict(container_reader.sockets_of(1001)) == {
        "docker": Path("/run/user/1001/docker.sock"),
        "podman": Path("/run/user/1001/podman/podman.sock"),
    }


def test_an_instance_of_a_users_own_asks_that_users_engines(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    asked = []
    monkeypatch.setattr(container, "sockets_of", lambda uid: asked.append(uid) or (("podman", engine.path),))

    assert Watch(container="web", scope="user").look().status is Status.OK
    assert asked == [os.getuid()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"container": "a/b"}, "cannot use container 'a/b'"),
        ({"container": "a", "user": "a b"}, "cannot use user 'a b'"),
        ({"container": "a", "socket": "api.sock"}, "write the full path"),
        ({"container": "a", "socket": "/var/run/docker.sock"}, "whoever may write to it is root"),
        ({"container": "a", "socket": "/run/podman/podman.sock"}, "whoever may write to it is root"),
    ],
)
def test_settings_that_can_never_be_asked_or_must_not_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Check(**options)
