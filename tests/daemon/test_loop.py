"""What the loop says of what was decided."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from opsagent.core import events as ev
from opsagent.core import inbox, schedule
from opsagent.core.codec import Recorded
from opsagent.core.fold import fold
from opsagent.core.observation import Observation, Reading, Severity, Source, Status, ok
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy
from opsagent.core.state import State
from opsagent.core.unit import HostConditions
from opsagent.daemon import loop
from opsagent.daemon.clock import Clock
from opsagent.daemon.lookout import Lookout
from opsagent.daemon.rounds import Rounds
from opsagent.settings import Watched
from tests.core.story_host import Orders, StoryHost
from tests.core.test_stories import POLICY, killed_host

NOW = datetime(2026, 11, 18, 3, 41, tzinfo=UTC)


def said_of(*events: tuple[ev.Event, int | None]) -> list[dict[str, Any]]:
    state, steps = State(), []
    for seq, (event, incident) in enumerate(events, start=1):
        one = Recorded(seq=seq, at=NOW, event=event, incident=incident)
        before, state = state, fold(state, one)
        steps.append((before, state, one))
    with capture_logs() as lines:
        loop.said(steps)
    return [dict(line) for line in lines]


def test_a_line_names_the_check_and_leaves_out_what_is_empty() -> None:
    changed = ev.HealthChanged(check="api", was=Status.OK, now=Status.CRITICAL, message="refused")

    (line,) = said_of((changed, None))

    assert line == {"event": "HealthChanged", "log_level": "info", "check": "api", "reason": "refused", "seq": 1}


def test_a_line_about_an_incident_says_its_name_and_its_check() -> None:
    suspected = ev.IncidentSuspected(
        key="api", check="api", unit=None, failure_class="status", message="500", first_bad_at=NOW
    )
    confirmed = ev.IncidentConfirmed(
        label="OPS-20261118-001",
        to=Phase.PAGED,
        severity=Severity.SEV2,
        failure_class="status",
        fingerprint="api|http|status",
        reason="api: 500",
        checks=("api",),
    )

    first, line = said_of((suspected, 1), (confirmed, 1))

    assert "unit" not in first, "it has none"
    assert (line["incident"], line["check"], line["reason"]) == ("OPS-20261118-001", "api", "api: 500")


def test_bookkeeping_is_not_said() -> None:
    assert said_of((ev.HeartbeatDone(good=1, bad=0, blind=0, late=0.0, seconds=0.1), None)) == []


@dataclass(frozen=True)
class Hangs:
    """A look that is under way for as long as we like."""

    let_go: threading.Event = field(default_factory=threading.Event)

    def observe(self) -> Reading:
        self.let_go.wait(30)
        return ok("at last")


def test_the_loop_does_not_turn_again_and_again_for_a_look_that_is_overdue_because_it_is_under_way() -> None:
    clock = Clock()
    host = StoryHost(POLICY, now=datetime(2026, 1, 1, tzinfo=UTC))  # long ago: whatever is failing is overdue
    for _ in range(3):
        host.bad("api")
        host.pass_(seconds=5)
    looking = loop.Loop(clock, lambda _: None)
    hung = Hangs()
    lookout = Lookout(lambda _: None, clock.now, 1, lambda _: None)
    lookout.watch({"api": Watched(policy=CheckPolicy(name="api", kind="http"), check=hung)}, 1)
    assert looking.wait_for(host.agent, lookout) < 0.1

    lookout.look("api", Source.PROBE)

    assert looking.wait_for(host.agent, lookout) == loop.LONGEST_TURN.total_seconds()
    hung.let_go.set()


def seen(check: str) -> inbox.Looked:
    return inbox.Looked(seen=Observation(check=check, reading=ok("200"), at=NOW))


def test_looks_that_come_one_after_the_other_are_decided_on_in_one_turn_which_a_nudge_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SWEEP", timedelta(seconds=30))
    taken: list[str] = []
    looking = loop.Loop(Clock(), lambda look: taken.append(look.check))
    lookout = Lookout(looking.post, looking.clock.now, 1, lambda _: None)
    over = threading.Event()

    def come_later() -> None:
        for news in (lambda: looking.post(seen("second")), looking.nudge):
            while not looking.is_idle() and not over.wait(0.001):
                pass
            news()

    looking.post(seen("first"))
    later = threading.Thread(target=come_later)
    later.start()
    looking.turn(StoryHost(POLICY).agent, lookout, Rounds(lambda _: None, lambda _: None, lambda: None), 30)
    over.set()
    later.join()

    assert taken == ["first", "second"]


def test_while_an_action_is_under_way_each_look_is_decided_on_at_once() -> None:
    host = killed_host()
    assert not schedule.is_hasty(host.agent.state)

    host.answer_facts()

    assert schedule.is_hasty(host.agent.state)


def test_the_loop_comes_round_each_second_only_while_something_moves() -> None:
    host = killed_host()
    looking = loop.Loop(Clock(), lambda _: None)
    lookout = Lookout(looking.post, looking.clock.now, 1, lambda _: None)
    moving = schedule.is_at_rest(host.agent.state)
    host.agent.state = replace(host.agent.state, incidents={})

    assert moving is False
    assert looking.wait_for(host.agent, lookout) == loop.LONGEST_IDLE_TURN.total_seconds()


class Slow(Clock):
    """A clock by which the loop's first wait takes so many seconds more than was asked."""

    def __init__(self, more: float) -> None:
        self.seconds = [0.0, 0.0, more]  # when it is made, when the loop is made, from its first wait on
        super().__init__()

    def running(self) -> float:
        return self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]


@pytest.mark.parametrize(("more", "said"), [(2.5, "opsagent itself was kept waiting for 2.5 s"), (1.5, "")])
def test_a_host_that_had_no_time_for_us_for_two_seconds_is_overloaded_and_that_is_said_once(
    more: float, said: str
) -> None:
    host = StoryHost(POLICY)
    slow = loop.Loop(Slow(more), lambda _: None)
    lookout = Lookout(slow.post, slow.clock.now, 1, lambda _: None)
    slow.turn(host.agent, lookout, Rounds(lambda _: None, lambda _: None, lambda: None), 0)

    assert slow.with_lateness(HostConditions()).overload == said
    assert slow.with_lateness(HostConditions()).overload == ""


def turned(host: StoryHost, *arrivals: inbox.Arrival) -> None:
    turning = loop.Loop(Clock(), lambda _: None)
    for arrival in arrivals:
        turning.post(arrival)
    lookout = Lookout(turning.post, turning.clock.now, 1, lambda _: None)
    turning.turn(host.agent, lookout, Rounds(lambda _: None, lambda _: None, lambda: None), 0)


DOWN = Reading(status=Status.CRITICAL, message="down", failure_class="refused")
BAD = inbox.Looked(seen=Observation(check="api", reading=DOWN, at=NOW))
NONSENSE = inbox.Asked(command=None, reply=lambda _: None)  # type: ignore[arg-type]  # what a mistake of ours would post


def test_news_that_we_cannot_take_costs_no_other_news_of_the_same_moment() -> None:
    host = StoryHost(POLICY)

    with capture_logs() as said:
        turned(host, NONSENSE, BAD, NONSENSE)

    assert [one["kind"] for one in said if one["log_level"] == "error"] == ["Asked", "Asked"]
    assert len(host.events(ev.IncidentSuspected)) == 1


def test_a_turn_in_which_nothing_can_be_taken_fails_so_that_the_watchdog_hears_of_it() -> None:
    with capture_logs(), pytest.raises(TypeError):
        turned(StoryHost(POLICY), NONSENSE, NONSENSE)


class Forgetful(Orders):
    """Effects of which one is broken: what was decided is recorded by then."""

    def remember(self, steps: object) -> None:
        raise ValueError(f"a mistake of ours: {steps}")


def test_news_that_was_recorded_is_not_taken_twice_because_its_telling_failed() -> None:
    host = StoryHost(POLICY)
    host.agent._effects = Forgetful()

    with pytest.raises(ValueError, match="a mistake of ours"):
        turned(host, BAD, BAD)

    assert len(host.events(ev.IncidentSuspected)) == 1


def test_a_note_that_cannot_be_kept_costs_no_order_and_no_later_turn() -> None:
    def broken() -> None:
        raise ValueError("a mistake of ours")

    host = StoryHost(POLICY)
    with pytest.raises(ValueError, match="a mistake of ours"):
        host.take(replace(BAD, recorded=broken))
    host.take(BAD)

    assert [type(one.event) for one in host.orders.remembered].count(ev.IncidentSuspected) == 1
