"""The wait that keeps systemd's own restarts from looking like failures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opsagent.core.unit import UnitSnapshot
from opsagent.host.signals import Listener

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Waits:
    """A stop that never comes and notes how long it was waited for."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        self.waited.append(timeout)
        return False


class Reader:
    """A systemd that answers one state after the other."""

    def __init__(self, *states: str, restart: str) -> None:
        self.states = list(states)
        self.restart = restart

    def snapshot(self, name: str) -> UnitSnapshot:
        return UnitSnapshot(name=name, read_at=NOON, active_state=self.states.pop(0), restart=self.restart)


def settled(reader: Reader) -> tuple[str, list[float]]:
    listener, waits = Listener(now=lambda: NOON), Waits()
    listener._reader = reader  # type: ignore[assignment]
    return listener._settled("api.service", waits).active_state, waits.waited


@pytest.mark.parametrize("down", ["failed", "inactive"])
def test_a_unit_that_systemd_restarts_gets_20_ms_to_show_it(down: str) -> None:
    assert settled(Reader(down, "activating", restart="on-failure")) == ("activating", [0.02])


def test_a_unit_that_nobody_restarts_is_told_at_once() -> None:
    assert settled(Reader("failed", restart="no")) == ("failed", [])


def test_a_unit_that_stays_down_is_told_as_down() -> None:
    assert settled(Reader("failed", "failed", restart="always")) == ("failed", [0.02])


def test_a_running_unit_is_not_waited_for() -> None:
    assert settled(Reader("active", restart="always")) == ("active", [])
