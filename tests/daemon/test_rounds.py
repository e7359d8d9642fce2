"""Rounds come in time although the clock is set, are never stacked, and the clock says by how much it was set."""

from __future__ import annotations

import queue
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from opsagent.core import events as ev
from opsagent.core.policy import CheckPolicy, Policy
from opsagent.daemon.clock import Clock
from opsagent.daemon.lookout import Lookout
from opsagent.daemon.loop import Loop
from opsagent.daemon.rounds import Rounds
from tests.core.story_host import StoryHost

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = 10  # seconds in which a round that is due surely comes
HALF_AN_HOUR = timedelta(minutes=30)
POLICY = Policy(host="web-1", heartbeat=HALF_AN_HOUR)
SET = pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(days=1)], ids=["an hour back", "a day forward"])


class Heard:
    """What the rounds called, in their order."""

    def __init__(self) -> None:
        self.beats: queue.Queue[datetime] = queue.Queue()
        self.paces: queue.Queue[timedelta] = queue.Queue()
        self.rounds = Rounds(self.paces.put, self.beats.put, lambda: None)


@pytest.fixture
def heard() -> Iterator[Heard]:
    made = Heard()
    yield made
    made.rounds.end()


@pytest.fixture
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller


def set_by(travel: time_machine.Traveller, by: timedelta) -> datetime:
    travel.shift(by)
    return datetime.now(UTC)


@SET
def test_the_clock_says_once_by_how_much_it_was_set(travel: time_machine.Traveller, by: timedelta) -> None:
    clock = Clock()
    assert clock.jumped() is None

    set_by(travel, by)

    jumped = clock.jumped()
    assert jumped is not None
    assert abs(jumped - by) < timedelta(seconds=1)
    assert clock.jumped() is None


def test_what_a_time_server_corrects_is_no_jump(travel: time_machine.Traveller) -> None:
    clock = Clock()

    set_by(travel, timedelta(seconds=4))

    assert clock.jumped() is None


def test_heartbeats_are_planned_at_0_30_and_60_minutes(heard: Heard) -> None:
    began = datetime.now(UTC)
    heard.rounds.begin(POLICY, began)
    heard.beats.get(timeout=WITHIN)

    job = next(one for one in heard.rounds._scheduler.get_jobs() if one.id == "heartbeat")
    planned = [began]
    for _ in range(2):
        planned.append(job.trigger.get_next_fire_time(planned[-1], planned[-1]))

    assert [at - began for at in planned] == [timedelta(), HALF_AN_HOUR, 2 * HALF_AN_HOUR]
    assert job.next_run_time == began + HALF_AN_HOUR


@SET
def test_after_the_clock_was_set_the_heartbeat_comes_at_once_and_then_half_an_hour_later(
    heard: Heard, travel: time_machine.Traveller, by: timedelta
) -> None:
    heard.rounds.begin(POLICY, datetime.now(UTC))
    heard.beats.get(timeout=WITHIN)
    now = set_by(travel, by)

    heard.rounds.begin_again(now)

    assert heard.beats.get(timeout=WITHIN) == now
    assert abs(heard.rounds.next_heartbeat_at - now - HALF_AN_HOUR) < timedelta(seconds=WITHIN)


def test_the_loop_plans_anew_and_records_it_when_the_clock_was_set(travel: time_machine.Traveller) -> None:
    host, begun = StoryHost(POLICY), []
    loop = Loop(Clock(), lambda _: None)
    lookout = Lookout(loop.post, loop.clock.now, 1, lambda _: None)
    rounds = Rounds(lambda _: None, lambda _: None, lambda: None)
    rounds.begin_again = begun.append  # type: ignore[method-assign]
    loop.turn(host.agent, lookout, rounds, 0)
    assert begun == []

    now = set_by(travel, timedelta(hours=-1))
    loop.turn(host.agent, lookout, rounds, 0)

    assert [abs(at - now) < timedelta(seconds=WITHIN) for at in begun] == [True]
    (jumped,) = host.events(ev.ClockJumped)
    assert abs(jumped.by + timedelta(hours=1)) < timedelta(seconds=1)


def test_a_slow_round_is_never_stacked_and_what_it_missed_comes_once() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(_: timedelta) -> None:
        begun.release()
        go_on.wait(WITHIN)

    pace = timedelta(milliseconds=50)
    check = CheckPolicy(name="api", kind="http", every=pace)
    rounds = Rounds(slow, lambda _: None, lambda: None)
    rounds.begin(Policy(host="web-1", checks=(check,)), datetime.now(UTC))
    try:
        assert begun.acquire(timeout=WITHIN)
        assert not begun.acquire(timeout=10 * pace.total_seconds())  # ten rounds are due, and none begins beside it
        go_on.set()
        assert begun.acquire(timeout=WITHIN)
    finally:
        go_on.set()
        rounds.end()
