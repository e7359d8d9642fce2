"""Connections to systemd are few and lent to one look at a time."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from opsagent.checks import observe, unit, units
from opsagent.checks.wire import lending
from opsagent.core.observation import Status
from opsagent.host.bus import BusLostError


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "_lent", {})
    monkeypatch.setattr(lending, "_PATIENCE", 0.05)


def test_the_one_used_last_is_used_again() -> None:
    with lending.manager("system") as first:
        pass
    with lending.manager("system") as second, lending.manager("user") as other:
        assert second is first
        assert other is not first
        assert other.scope == "user"


def test_only_a_few_are_lent_and_each_comes_back_even_after_an_error() -> None:
    with ExitStack() as stack:
        lent = [stack.enter_context(lending.manager("system")) for _ in range(4)]
        with pytest.raises(BusLostError, match="all 4 connections wait for an answer"):
            stack.enter_context(lending.manager("system"))
    with pytest.raises(RuntimeError), lending.manager("system"):
        raise RuntimeError

    with lending.manager("system") as again:
        assert again in lent
    assert len(set(map(id, lent))) == 4


def test_a_host_whose_bus_cannot_be_reached_is_unknown_never_critical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")

    for check in (unit.Check(unit="api.service"), units.Check()):
        reading = observe(check)

        assert (reading.status, reading.failure_class) == (Status.UNKNOWN, "systemd")
        assert reading.message.startswith("cannot ask systemd ")
