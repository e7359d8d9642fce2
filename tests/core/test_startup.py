"""How long a unit takes to start is learned from its starts, and what comes after a start is judged by that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import contract, startup, why
from opsagent.core import events as ev
from opsagent.core.policy import CheckPolicy, Confirm, Policy, RemedyRule
from opsagent.core.report.environment import environment_block
from opsagent.core.starts import Starts
from opsagent.core.state import State
from opsagent.core.world import World
from tests.core.live_host import LiveHost
from tests.core.report.test_environment import told
from tests.core.story_host import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIT = "api.service"
API = CheckPolicy(name="api", kind="http", unit=UNIT, every=timedelta(seconds=60), repair=(RemedyRule(do="restart"),))


def host_of(*checks: CheckPolicy, takes: float = 0.2) -> LiveHost:
    host = LiveHost(Policy(host="web-1", checks=checks or (API,)))
    host.serve(UNIT, start_takes=timedelta(seconds=takes))
    host.run(minutes=2)
    return host


def starts(host: LiveHost) -> Sequence[float]:
    return host.agent.state.starts.get(UNIT, Starts()).seconds


def started(host: LiveHost, times: int) -> LiveHost:
    for _ in range(times):
        host.start(UNIT)
        host.run(minutes=3)
    return host


def world_of(*seconds: float, confirm: Confirm = Confirm()) -> World:  # noqa: B008 - frozen
    check = replace(API, confirm=confirm)
    state = State(starts={UNIT: Starts(seconds=seconds)})
    return World(state=state, policy=Policy(host="web-1", checks=(check,)), looks={}, now=NOON)


def within(*seconds: float, confirm: Confirm = Confirm()) -> float:  # noqa: B008 - frozen
    world = world_of(*seconds, confirm=confirm)
    return startup.start_within(world, world.policy.checks[0]).total_seconds()


def test_until_three_starts_are_known_a_start_may_take_a_minute() -> None:
    assert [within(), within(1), within(1, 1)] == [60, 60, 60]


def test_then_it_may_take_half_as_long_again_as_the_slowest_and_a_second() -> None:
    assert within(6, 8, 7) == 13
    assert within(*[4.0] * 19, 200) == 7  # one of twenty is an outlier


def test_what_is_learned_is_neither_hasty_nor_endless() -> None:
    assert within(0.1, 0.1, 0.1) == 5
    assert within(290, 290, 290) == 300


def test_the_operators_word_wins_over_what_was_learned() -> None:
    assert within(6, 8, 7, confirm=Confirm(start_within=timedelta(seconds=2))) == 2
    assert within(6, 8, 7, confirm=Confirm(start_within=timedelta(minutes=20))) == 1200


@given(st.lists(st.floats(min_value=0.001, max_value=1e4), min_size=3, max_size=40))
def test_it_always_waits_for_the_usual_start_within_its_bounds(seconds: list[float]) -> None:
    known = Starts()
    for one in seconds:
        known = known.with_one(one, "")

    waits = within(*known.seconds)

    assert len(known.seconds) <= 20
    assert known.median <= known.p95 <= max(known.seconds)
    assert 5 <= waits <= 300
    assert waits >= min(known.p95, 300)


@pytest.mark.parametrize("takes", [0.2, 3, 8, 20])
def test_a_start_by_anybody_is_counted_with_the_time_it_took(takes: float) -> None:
    host = started(host_of(takes=takes), 3)

    assert len(starts(host)) == 3
    assert all(takes <= one <= takes + 5 for one in starts(host))


def test_a_repair_of_ours_is_a_start_too() -> None:
    host = host_of(takes=2)

    host.kill(UNIT)
    host.run(minutes=3)

    assert len(host.services[UNIT].restarts) == 1
    assert len(starts(host)) == 1
    assert 2 <= starts(host)[0] <= 2.5  # refused ports are asked every 0.2 s


def test_it_has_started_only_when_the_last_of_its_checks_is_good() -> None:
    web = replace(API, name="web", kind="tcp")
    host = host_of(API, web, takes=1)
    warm = {"at": None}

    def reading():
        host.answers.pop("web")
        seen = host.reading(web) if host.now >= warm["at"] else replace(host.reading(API), status="critical")
        host.answers["web"] = reading
        return seen

    warm["at"] = host.now
    host.answers["web"] = reading
    host.start(UNIT)
    warm["at"] = host.now + timedelta(seconds=15)
    host.run(minutes=2)

    assert len(starts(host)) == 1
    assert 15 <= starts(host)[0] <= 21


def test_a_start_that_never_became_good_is_not_counted() -> None:
    host = host_of()
    host.services[UNIT].sick = "status"

    host.start(UNIT)
    host.run(minutes=20)
    host.services[UNIT].sick = ""
    host.run(minutes=2)

    assert len(host.services[UNIT].restarts) > 0
    assert starts(host) == ()


def test_a_time_when_nobody_looked_makes_no_start_long() -> None:
    host = host_of()

    host.start(UNIT)
    host.sleep(seconds=40)
    host.run(minutes=2)

    assert starts(host) == ()


def test_no_start_is_counted_twice_when_the_daemon_starts_again() -> None:
    host = host_of(takes=2)
    host.start(UNIT)
    host.run(seconds=4)
    host.agent.looks = {}  # what a start of ours knows of the looks before it
    host.run(minutes=2)

    assert len(starts(host)) == 1


def test_a_clock_that_is_set_makes_no_start_long() -> None:
    host = host_of(takes=20)
    host.start(UNIT)
    host.run(seconds=5)

    host.jump(seconds=30)
    host.run(minutes=2)

    assert starts(host) == ()


def test_what_the_unit_says_of_itself_is_no_good_look() -> None:
    host = host_of(replace(API, name="unit", kind="unit"), takes=0)

    host.start(UNIT)
    host.run(minutes=1)

    assert starts(host) == ()


def test_a_check_that_is_looked_at_rarely_is_neither_hurried_nor_waited_for() -> None:
    rare = replace(API, name="certificate", kind="certificate", every=timedelta(hours=1))
    host = host_of(API, rare)
    looks: list[object] = []
    host.answers["certificate"] = lambda: looks.append(host.now) or host.reading(API)

    host.start(UNIT)
    host.run(minutes=3)

    assert looks == []
    assert len(starts(host)) == 1


def test_a_slow_starter_is_not_judged_while_it_starts_as_it_always_does() -> None:
    host = started(host_of(takes=50), 3)
    host.services[UNIT].start_takes = timedelta(seconds=70)

    host.start(UNIT)
    host.run(minutes=3)

    assert host.services[UNIT].restarts == []
    assert max(starts(host)) >= 70


def test_a_quick_starter_that_hangs_at_its_start_is_judged_long_before_a_minute() -> None:
    host = started(host_of(takes=0.2), 3)
    host.services[UNIT].start_takes = timedelta(hours=1)

    host.start(UNIT)
    host.run(seconds=25)

    assert len(host.services[UNIT].restarts) == 1


def test_why_says_by_which_starts_it_waits() -> None:
    world = world_of(*[6.1] * 8, 8.9)

    rule = why.lines(world, "api")[2]

    assert "; waits up to 14 s after a start: learned from 9 starts, median 6.1 s, p95 8.9 s. Now:" in rule
    assert "waits up to 90 s after a start: set" in " ".join(
        why.lines(world_of(confirm=Confirm(start_within=timedelta(seconds=90))), "api")
    )


def test_the_json_of_the_status_has_what_was_learned() -> None:
    world = world_of(*[6.1] * 8, 8.9)

    (check,) = contract.status(world.state, world.policy, {}, NOON)["checks"]

    assert check["start_within"] == {"seconds": 14.35, "source": "learned", "starts": 9, "median": 6.1, "p95": 8.9}


def test_the_memory_of_the_environment_has_the_median_and_the_95_of_100() -> None:
    night = told()
    for seconds in (6.0, 8.0, 6.5):
        night.take(ev.StartupSeen(unit=UNIT, seconds=seconds))

    block = environment_block(night.state, "web-1")

    assert "## Start-up times\n\n| unit | median | p95 | starts seen |\n| --- | --- | --- | --- |\n" in block
    assert "| api | 6.5 s | 8 s | 3 |" in block
