"""A unit is read in several answers; where it changed between two of them it is read once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from opsagent.host import systemd
from opsagent.host.bus import UNIT, BusError, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNNING = ("active", "success")
TORN = ("failed", "success")  # it died between the two answers: the state is new, the result is old
DEAD = ("failed", "signal")


class ScriptedBus:
    """Answers for api.service, one reading (ActiveState, Result) after the other; the last one stays."""

    def __init__(self, *readings: tuple[str, str]) -> None:
        self.readings = list(readings)
        self.read = 0

    def call_many(self, calls: Sequence[Call]) -> list[Any]:
        state, result = self.readings[min(self.read, len(self.readings) - 1)]
        self.read += 1
        unit = {"Id": ("s", "api.service"), "LoadState": ("s", "loaded"), "ActiveState": ("s", state)}
        own = {"Result": ("s", result), "Type": ("s", "simple")}
        return [(unit,) if call.body == (UNIT,) else (own.get(str(call.body[1]), ("i", 0)),) for call in calls]


@pytest.mark.parametrize(
    ("readings", "result", "times"),
    [((TORN, DEAD), "signal", 2), ((DEAD,), "signal", 1), ((RUNNING,), "success", 1), ((TORN,), "success", 2)],
    ids=["torn", "dead", "running", "torn for ever"],
)
def test_a_torn_reading_is_taken_once_more_and_any_other_is_not(
    monkeypatch: pytest.MonkeyPatch, readings: tuple[tuple[str, str], ...], result: str, times: int
) -> None:
    bus = ScriptedBus(*readings)
    monkeypatch.setattr(systemd, "Bus", lambda *_: bus)

    found = systemd.Systemd().snapshot("api.service")

    assert found is not None
    assert (found.result, bus.read) == (result, times)


class RestartingBus:
    """A restart that is between its stop and its start at the first question, and over at the second."""

    def __init__(self, *, for_ever: bool = False) -> None:
        self.read = 0
        self.for_ever = for_ever

    def call_many(self, calls: Sequence[Call]) -> list[Any]:
        if calls[0].body[1:] == ("JobType",):
            return [BusError("org.freedesktop.DBus.Error.UnknownObject", "no such job")]
        self.read += 1
        stopped = self.for_ever or self.read == 1
        state, job = ("inactive", (7, "/org/freedesktop/systemd1/job/7")) if stopped else ("active", (0, "/"))
        unit = {"Id": ("s", "api.service"), "LoadState": ("s", "loaded"), "ActiveState": ("s", state), "Job": ("", job)}
        own = {"Result": ("s", "success"), "Type": ("s", "simple")}
        return [(unit,) if call.body == (UNIT,) else (own.get(str(call.body[1]), ("i", 0)),) for call in calls]


@pytest.mark.parametrize(("for_ever", "state"), [(False, "active"), (True, "inactive")])
def test_a_unit_whose_job_ended_between_two_answers_is_read_once_more(
    monkeypatch: pytest.MonkeyPatch, for_ever: bool, state: str
) -> None:
    bus = RestartingBus(for_ever=for_ever)
    monkeypatch.setattr(systemd, "Bus", lambda *_: bus)

    found = systemd.Systemd().snapshot("api.service")

    assert found is not None
    assert (found.active_state, found.job, bus.read) == (state, None, 2)
