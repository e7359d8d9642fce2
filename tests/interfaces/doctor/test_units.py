"""Unit files against our budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core.policy import CheckPolicy, Confirm, Policy, RemedyRule, UnitBudget
from opsagent.core.unit import UnitSnapshot
from opsagent.interfaces.doctor import units
from opsagent.interfaces.doctor.finding import Level

SECOND = timedelta(seconds=1)
API = CheckPolicy(
    name="api",
    kind="http",
    unit="api.service",
    every=10 * SECOND,
    timeout=3 * SECOND,
    repair=(RemedyRule(do="restart"), RemedyRule(do="reset_failed")),
)
UNIT = UnitSnapshot(
    name="api.service",
    read_at=datetime(2026, 3, 1, tzinfo=UTC),
    type="simple",
    active_state="active",
    timeout_stop=10 * SECOND,
    start_limit_interval=10 * SECOND,
    start_limit_burst=5,
)


def found(check: CheckPolicy = API, unit: UnitSnapshot | None = UNIT, **changes: object) -> list[tuple[Level, str]]:
    unit = replace(unit, **changes) if unit else None  # type: ignore[arg-type]
    policy = Policy(host="web-1", checks=(check,))
    return [(one.level, one.text) for one in units.examine(policy, {"api.service": unit})]


def test_a_unit_that_suits_the_budget_is_good() -> None:
    assert found() == [(Level.OK, "1 looked at: no start limit, stop time-out or type stands in the way of a repair")]


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"load_state": "not-found"}, Level.WARN, "there is no such unit, but check api names it"),
        ({"load_state": "masked"}, Level.WARN, "is masked: it cannot be started"),
        ({"type": "oneshot"}, Level.RED, "is a oneshot, which is never restarted"),
        (
            {"timeout_stop": timedelta(seconds=90)},
            Level.WARN,
            "TimeoutStopSec is 90 s: a hung process delays its restart so long",
        ),
        ({"timeout_stop": None}, Level.WARN, "TimeoutStopSec is for ever: a hung process delays its restart so long"),
        (
            {"start_limit_interval": timedelta(hours=1), "start_limit_burst": 2},
            Level.WARN,
            "systemd allows 2 starts in 1 h (StartLimit), our budget up to 3: the rest would be refused",
        ),
    ],
)
def test_what_is_in_the_way_is_named(changes: dict[str, object], level: Level, text: str) -> None:
    assert found(**changes) == [(level, text)]


def test_a_unit_that_is_not_there_is_named() -> None:
    assert found(unit=None) == [(Level.WARN, "there is no such unit, but check api names it")]


def test_a_unit_of_another_manager_is_not_spoken_of() -> None:
    assert units.examine(Policy(host="web-1", checks=(API,)), {}) == []


def test_thirty_seconds_to_stop_are_just_right() -> None:
    assert found(timeout_stop=timedelta(seconds=30))[0][0] is Level.OK


def test_nobody_is_told_to_kill_a_database_while_it_stops() -> None:
    unit = replace(UNIT, name="postgresql@15-main.service", timeout_stop=timedelta(hours=1))
    policy = Policy(host="web-1", checks=(replace(API, unit=unit.name),))

    assert [one.level for one in units.examine(policy, {unit.name: unit})] == [Level.OK]


def test_systemds_own_restarts_need_reset_failed_beside_restart() -> None:
    only_restart = replace(API, repair=(RemedyRule(do="restart"),))

    ((level, text),) = found(only_restart, restart="on-failure")

    assert level is Level.WARN
    assert text.startswith("Restart=on-failure: when systemd gives up first")
    assert found(API, restart="on-failure")[0][0] is Level.OK
    assert found(only_restart, restart="no")[0][0] is Level.OK


def test_a_unit_that_is_only_watched_may_be_as_it_likes() -> None:
    assert found(replace(API, repair=()), timeout_stop=None, type="oneshot")[0][0] is Level.OK


def test_a_data_holding_unit_that_takes_others_along_is_named() -> None:
    check = replace(API, unit="redis.service", repair=(RemedyRule(do="restart", holds_data=True),))
    unit = replace(UNIT, name="postgresql.service", also=("api.service",))
    policy = Policy(host="web-1", checks=(replace(check, unit="postgresql.service"),))

    texts = [one.text for one in units.examine(policy, {"postgresql.service": unit})]

    assert texts == ["a restart of it restarts api.service too"]


def test_an_armed_check_that_takes_a_minute_to_believe_a_hang_is_named() -> None:
    slow = replace(API, every=timedelta(seconds=60), confirm=Confirm())

    ((level, text),) = found(slow)

    assert level is Level.WARN
    assert text == "a hang is believed after up to 79 s (every, timeout and confirm added up)"
    assert found(replace(slow, repair=()))[0][0] is Level.OK


@pytest.mark.parametrize(
    ("waits", "interval", "starts"),
    [
        ((10, 60, 300), 10, 1),
        ((10, 60, 300), 11, 2),
        ((10, 60, 300), 1800, 3),
        ((0,), 10, 3),
        ((), 10, 3),
        ((300, 1), 10, 2),
    ],
)
def test_the_most_starts_of_a_budget_within_an_interval(waits: tuple[int, ...], interval: int, starts: int) -> None:
    budget = UnitBudget(waits=tuple(wait * SECOND for wait in waits))

    assert units.most_starts(budget, interval * SECOND) == starts
