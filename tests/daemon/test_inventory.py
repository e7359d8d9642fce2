"""When the daemon looks at what the host is like, and what it keeps from look to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent import checks, notifiers, remedies
from opsagent.core.environment import Environment, Page
from opsagent.core.environment.belief import sightings
from opsagent.daemon import inventory
from opsagent.daemon.inventory import Inventory
from opsagent.host.listeners import ListenersError
from opsagent.settings import Account, Settings, load_text
from tests.core.environment.hosts import host, listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.environment import Listener
    from opsagent.core.inbox import Arrival

KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}
ADA = Account(uid=1000, name="ada", home=Path("/home/ada"))
REDIS = listener(6379)


def settings(check: str = "kind: memory") -> Settings:
    return load_text(f"fast_loop: 1m\nchecks: [{{name: c, {check}}}]", KINDS, remedies.KINDS, NOTIFIERS, ADA)


class AtOnce:
    """Errands that are done where they are begun."""

    def __init__(self) -> None:
        self.found: list[Arrival | None] = []

    def begin(self, name: str, work: Callable[[], Arrival | None]) -> bool:
        assert name
        self.found.append(work())
        return True


class Looks:
    """An inventory on a host of our making, with a clock of our own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.listeners: tuple[Listener, ...] | Exception = (REDIS,)
        self.errands = AtOnce()
        monkeypatch.setattr(inventory.inventory, "who_listens", self.who_listens)
        monkeypatch.setattr(inventory.inventory, "look", lambda *_: self.environment())
        monkeypatch.setattr(inventory.time, "sleep", self.slept.append)
        self.inventory = Inventory(self.errands, lambda: self.now, lambda text: text.replace("hunter2", "[secret]"))  # type: ignore[arg-type]

    def who_listens(self, *_: object) -> tuple[Listener, ...]:
        if isinstance(self.listeners, Exception):
            raise self.listeners
        return self.listeners

    def environment(self) -> Environment:
        if isinstance(self.listeners, Exception):
            return replace(host(), listeners=None, unread=(str(self.listeners),))
        return host(*self.listeners)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def test_the_listeners_are_looked_at_once_in_a_fast_loop_with_those_of_the_look_before(looks: Looks) -> None:
    first = looks.inventory.glance(settings())
    looks.now = 59
    assert looks.inventory.glance(settings()) is None
    looks.now = 60
    second = looks.inventory.glance(settings())

    assert first is not None
    assert first.earlier == frozenset()
    assert second is not None
    assert second.earlier == sightings([REDIS])


def test_the_first_whole_look_is_two_looks_a_little_apart(looks: Looks) -> None:
    looks.inventory.begin(settings())
    looks.inventory.begin(settings())

    assert looks.slept == [inventory.APART]
    assert [one.earlier for one in looks.errands.found] == [sightings([REDIS])] * 2  # type: ignore[union-attr]


def test_a_table_that_cannot_be_read_is_no_host_without_listeners(looks: Looks) -> None:
    looks.listeners = ListenersError("cannot read the table of sockets: no")

    assert looks.inventory.glance(settings()) is None
    looks.inventory.begin(settings())

    (seen,) = looks.errands.found
    assert seen.environment.listeners is None  # type: ignore[union-attr]


def test_every_text_is_redacted_before_it_is_compared(looks: Looks) -> None:
    looks.listeners = (replace(REDIS, unit=None, process="hunter2"),)

    looks.inventory.begin(settings("kind: http, url: 'http://127.0.0.1/hunter2?token=abc'"))

    (seen,) = looks.errands.found
    assert seen.environment.listeners[0].who == "[secret]"  # type: ignore[union-attr]
    assert seen.environment.pages == (Page(check="c", url="http://127.0.0.1/[secret]"),)  # type: ignore[union-attr]


def test_a_certificate_that_is_not_there_is_its_checks_to_say(looks: Looks) -> None:
    looks.inventory.begin(settings("kind: certificate, file: /nowhere.pem"))

    (seen,) = looks.errands.found
    assert seen.environment.certificates == ()  # type: ignore[union-attr]
