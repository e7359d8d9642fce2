"""What tests of commands share: an instance, its log, and a daemon behind its socket."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from opsagent.interfaces import control
from opsagent.store.eventlog import EventLog
from tests.interfaces.instance import Daemon, Instance, Log, made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return made(tmp_path)


@pytest.fixture
def daemon(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr(control, "_LOOK_AT_STOP", 0.02)
    daemon = Daemon()
    server = control.Server(instance.state / "control.sock", daemon)
    server.open()
    stop = threading.Event()
    thread = threading.Thread(target=server.serve, args=(stop,))
    thread.start()
    yield daemon
    stop.set()
    thread.join(10)


@pytest.fixture
def log(instance: Instance) -> Iterator[Log]:
    with contextlib.closing(EventLog(instance.state / "events.db", host="web-1", boot="b").open()) as opened:
        yield Log(opened)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
