"""What a unit's state means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsagent.core.observation import Status
from opsagent.core.unit import UnitSnapshot
from opsagent.core.units import automatic_restarts, judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUNNING = UnitSnapshot(
    name="api.service",
    read_at=NOW,
    type="simple",
    active_state="active",
    sub_state="running",
    invocation_id="ab",
    active_enter_at=NOW - timedelta(hours=1),
    timeout_start=timedelta(seconds=90),
    timeout_stop=timedelta(seconds=90),
)


def unit(**changes: Any) -> UnitSnapshot:
    return replace(RUNNING, **changes)


def test_a_running_unit_is_ok_and_its_restarts_are_a_number() -> None:
    reading = judge(unit(nrestarts=2))

    assert reading.status is Status.OK
    assert reading.message == "api.service is active (running)"
    assert reading.measures[0].value == 2


@pytest.mark.parametrize(
    ("result", "code", "status", "failure_class", "words"),
    [
        ("exit-code", 1, 3, "exit", "exit-code, exit status 3"),
        ("exit-code", 1, 78, "exit", "exit-code, exit status 78 (bad configuration)"),
        ("signal", 2, 9, "signal", "signal, killed by signal 9"),
        ("core-dump", 3, 11, "signal", "core dumped"),
        ("oom-kill", 2, 9, "oom", "oom-kill"),
        ("watchdog", 2, 6, "watchdog", "watchdog"),
        ("timeout", 2, 15, "timeout", "timeout"),
        ("start-limit-hit", 0, 0, "start-limit", "start-limit-hit"),
        ("resources", 0, 0, "resources", "resources"),
        ("protocol", 1, 0, "protocol", "protocol"),
        ("something-new", 0, 0, "something-new", "something-new"),
    ],
)
def test_a_failed_unit_is_conclusive_and_classed_by_its_result(
    result: str, code: int, status: int, failure_class: str, words: str
) -> None:
    reading = judge(
        unit(
            active_state="failed",
            sub_state="failed",
            result=result,
            exec_main_code=code,
            exec_main_status=status,
        )
    )

    assert (reading.status, reading.failure_class, reading.conclusive) == (Status.CRITICAL, failure_class, True)
    assert words in reading.message
    assert not reading.timed_out


@pytest.mark.parametrize(
    ("active", "sub"),
    [
        ("activating", "auto-restart"),
        ("activating", "auto-restart-queued"),
        ("failed", "failed-before-auto-restart"),
        ("inactive", "dead-before-auto-restart"),
    ],
)
def test_while_systemd_restarts_it_itself_we_only_say_so(active: str, sub: str) -> None:
    reading = judge(unit(active_state=active, sub_state=sub, result="exit-code", exec_main_code=1, exec_main_status=7))

    assert (reading.status, reading.failure_class, reading.conclusive) == (Status.WARNING, "restarting", False)
    assert "systemd is restarting it" in reading.message


def test_a_unit_that_fails_on_the_way_of_a_restart_is_starting() -> None:
    """One that is deaf to SIGTERM is killed by its own restart, and is `failed` for a moment."""
    reading = judge(unit(active_state="failed", sub_state="failed", result="timeout", job="start"))

    assert (reading.status, reading.failure_class, reading.conclusive) == (Status.WARNING, "starting", False)


@pytest.mark.parametrize(("active", "sub"), [("active", "running"), ("activating", "auto-restart")])
def test_three_automatic_restarts_in_ten_minutes_are_a_loop_even_while_it_runs(active: str, sub: str) -> None:
    earlier = [(NOW - timedelta(minutes=9), 4), (NOW - timedelta(minutes=1), 6)]

    reading = judge(unit(active_state=active, sub_state=sub, nrestarts=7), earlier)

    assert (reading.status, reading.failure_class, reading.conclusive) == (Status.CRITICAL, "loop", True)
    assert "restarted it 3 times within 10 min" in reading.message


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        ([], 5, 0),
        ([(NOW - timedelta(minutes=10), 2)], 5, 3),
        ([(NOW - timedelta(minutes=10, seconds=1), 2)], 5, 0),
        ([(NOW - timedelta(minutes=11), 0), (NOW - timedelta(minutes=5), 4)], 5, 1),
        ([(NOW - timedelta(minutes=5), 9), (NOW - timedelta(minutes=4), 0)], 2, 2),
        ([(NOW - timedelta(minutes=5), 9)], 0, 0),
    ],
)
def test_automatic_restarts_are_counted_over_ten_minutes_and_from_the_last_start_by_hand(
    earlier: list[tuple[datetime, int]], now: int, expected: int
) -> None:
    assert automatic_restarts(NOW, now, earlier) == expected


@pytest.mark.parametrize(
    ("state", "since", "limit"),
    [("activating", "inactive_exit_at", "timeout_start"), ("deactivating", "state_change_at", "timeout_stop")],
)
@pytest.mark.parametrize(
    ("seconds", "allowed", "status"),
    [
        (20, 20, Status.WARNING),
        (21, 20, Status.CRITICAL),
        (90, None, Status.WARNING),
        (91, None, Status.CRITICAL),
        (200, 300, Status.WARNING),
    ],
)
def test_a_unit_is_stuck_when_it_takes_longer_than_its_own_limit(
    *, state: str, since: str, limit: str, seconds: int, allowed: int | None, status: Status
) -> None:
    times: dict[str, Any] = {since: NOW - timedelta(seconds=seconds)}
    times[limit] = None if allowed is None else timedelta(seconds=allowed)

    reading = judge(unit(active_state=state, sub_state="x", **times))

    assert reading.status is status
    assert (reading.failure_class == "stuck") == (status is Status.CRITICAL)
    assert not reading.conclusive


def test_a_oneshot_at_work_is_neither_starting_nor_stuck() -> None:
    reading = judge(
        unit(type="oneshot", active_state="activating", sub_state="start", inactive_exit_at=NOW - timedelta(hours=3))
    )

    assert reading.status is Status.OK


DOWN = unit(active_state="inactive", sub_state="dead")


@pytest.mark.parametrize(
    ("snapshot", "status", "failure_class"),
    [
        (DOWN, Status.CRITICAL, "ended"),
        (replace(DOWN, invocation_id="", active_enter_at=None), Status.CRITICAL, "ended"),
        (replace(DOWN, job="start"), Status.WARNING, "starting"),
        (replace(DOWN, job="restart"), Status.WARNING, "starting"),
        (replace(DOWN, type="oneshot"), Status.OK, None),
        (replace(DOWN, type="oneshot", invocation_id=""), Status.OK, None),
        (replace(DOWN, condition_result=False), Status.OK, None),
        (replace(DOWN, triggered_by=("api.socket",)), Status.OK, None),
        (replace(DOWN, load_state="masked"), Status.UNKNOWN, "masked"),
        (replace(DOWN, load_state="not-found"), Status.UNKNOWN, "not-found"),
        (replace(DOWN, load_state="bad-setting"), Status.CRITICAL, "bad-setting"),
        (replace(DOWN, load_state="error"), Status.CRITICAL, "error"),
        (replace(DOWN, active_state="maintenance"), Status.WARNING, "state"),
        (replace(DOWN, active_state="something-new"), Status.WARNING, "state"),
    ],
)
def test_a_unit_that_is_not_running_is_judged_by_what_it_is_for(
    snapshot: UnitSnapshot, status: Status, failure_class: str | None
) -> None:
    reading = judge(snapshot)

    assert (reading.status, reading.failure_class, reading.conclusive) == (status, failure_class, False)


def test_a_masked_unit_that_still_runs_is_ok() -> None:
    assert judge(unit(load_state="masked")).status is Status.OK


@pytest.mark.parametrize("load_state", ["bad-setting", "not-found", "error"])
def test_what_ran_is_judged_by_how_it_does_whatever_became_of_its_file(load_state: str) -> None:
    running = judge(unit(load_state=load_state))
    dead = judge(unit(load_state=load_state, active_state="failed", sub_state="failed", result="signal"))

    assert running.status is Status.OK
    assert (dead.status, dead.failure_class, dead.conclusive) == (Status.CRITICAL, "signal", True)
    for reading in (running, dead):
        assert reading.message.endswith(f"it could not be started again, its unit file is {load_state}")


def test_a_masked_unit_that_failed_is_down_and_a_person_hears_that_it_cannot_be_started() -> None:
    reading = judge(unit(load_state="masked", active_state="failed", sub_state="failed", result="signal"))

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "signal")
    assert reading.message.endswith("it could not be started again, its unit file is masked")
