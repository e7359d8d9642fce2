"""Stories of clocks that are set: neither an hour's wait when it goes back, nor a day's pages when it goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.observation import Reading, Status
from opsagent.core.phase import Outcome, Phase
from tests.core.live_host import LiveHost
from tests.core.test_people_stories import WATCHED, ack, host_of, paged_host
from tests.core.test_stories import API

JUMPS = pytest.mark.parametrize("by", [{"hours": -1}, {"days": 1}, {"days": -400}], ids=["back", "forward", "far back"])


@JUMPS
def test_the_next_attempt_comes_after_its_wait_and_not_at_once(by: dict) -> None:
    host = host_of(API)
    service = host.services["api.service"]
    service.can_start = False
    host.kill("api.service")
    host.run(seconds=15)
    assert len(service.restarts) == 2

    host.jump(**by)
    host.run(seconds=40)
    early = len(service.restarts)
    host.run(seconds=40)

    assert (early, len(service.restarts)) == (2, 3)


@JUMPS
def test_no_attempt_is_forgotten_by_the_budget(by: dict) -> None:
    host = host_of(API)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(minutes=3)

    host.jump(**by)
    host.run(minutes=20)

    assert len(host.services["api.service"].restarts) == 3


@JUMPS
def test_a_repair_is_proved_and_resolved_in_its_time(by: dict) -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(seconds=10)

    host.jump(**by)
    host.run(seconds=15)
    assert host.incident.actions[0].outcome is Outcome.RUNNING
    host.run(seconds=15)
    assert host.incident.actions[0].outcome is Outcome.VERIFIED
    host.run(minutes=4)
    assert host.incident.state is Phase.VERIFYING
    host.run(minutes=2)

    assert host.incident.state is Phase.RESOLVED
    assert host.incident.mitigated_at - host.incident.first_bad_at < timedelta(seconds=1)


@JUMPS
def test_the_reopen_window_keeps_its_length(by: dict) -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(minutes=10)

    host.jump(**by)
    host.run(minutes=20)
    assert host.incident.state is Phase.RESOLVED
    host.run(minutes=10)

    assert not host.agent.state.incidents


@JUMPS
def test_nobody_is_told_before_or_after_the_time(by: dict) -> None:
    host = paged_host()
    host.run(minutes=10)

    host.jump(**by)
    host.run(minutes=19)
    early = len(host.told())
    host.run(minutes=2)

    assert (early, len(host.told())) == (2, 3)


@JUMPS
def test_a_hold_keeps_its_length(by: dict) -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=30))
    host.run(minutes=10)

    host.jump(**by)
    host.run(minutes=19)
    assert host.incident.state is Phase.ACKNOWLEDGED
    host.run(minutes=2)

    assert host.incident.state is Phase.PAGED


@JUMPS
def test_a_repair_that_waits_for_its_patience_is_not_told_at_once(by: dict) -> None:
    host = host_of(API)
    host.ask(cmd.Pause(by="anna", target="api", lasts=timedelta(hours=1), because="work", pages=False))
    host.kill("api.service")
    host.run(minutes=2)

    host.jump(**by)
    host.run(minutes=2)
    early = len(host.told())
    host.run(minutes=2)

    assert (early, len(host.told())) == (0, 2)


def test_for_two_minutes_after_a_jump_a_time_out_says_nothing() -> None:
    host = host_of(API)

    host.jump(hours=1)
    host.services["api.service"].sick = "timeout"
    host.run(seconds=100)

    assert host.services["api.service"].restarts == []


def test_an_operators_stop_ends_when_the_unit_runs_again_also_after_the_clock_went_back() -> None:
    host = host_of(API)
    host.stop("api.service", by="root")
    host.run(minutes=1)

    host.jump(hours=-1)
    host.run(seconds=10)
    host.start("api.service")
    host.run(seconds=10)

    assert host.agent.state.stops == {}


def test_a_recovery_is_told_once_over_a_jump() -> None:
    host = paged_host()
    host.start("api.service")
    host.run(minutes=6)
    told = len(host.told("recovery"))

    host.jump(days=1)
    host.run(minutes=5)

    assert len(host.told("recovery")) == told == 2


def test_signals_that_tell_nothing_new_are_not_counted_as_looks() -> None:
    unit = WATCHED.__class__(name="api", kind="unit", unit="api.service", repair=API.repair)
    host = host_of(unit)

    for _ in range(5):
        host.change("api.service", active_state="inactive", sub_state="dead")

    assert host.agent.looks["api"].bad == 1
    assert host.services["api.service"].restarts == []


def test_a_restart_of_systemds_own_is_no_confirmed_warning() -> None:
    unit = WATCHED.__class__(name="api", kind="unit", unit="api.service", repair=API.repair)
    host = host_of(unit)

    for place, sub in enumerate(("auto-restart", "start-pre", "start", "start-post"), 1):
        host.change(
            "api.service", active_state="activating", sub_state=sub, nrestarts=place % 2, inactive_exit_at=host.now
        )
    host.start("api.service")
    host.run(minutes=1)

    assert host.events(ev.IncidentConfirmed) == []


def test_what_is_not_looked_at_is_not_called_good() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(seconds=20)
    host.answers["api"] = lambda: Reading(status=Status.UNKNOWN, message="no answer from the look")

    host.run(minutes=20)

    assert host.events(ev.IncidentResolved) == []


def test_after_a_start_of_ours_a_person_cannot_resolve_what_failed_before_it() -> None:
    host = paged_host()
    again = LiveHost(host.agent.policy, now=host.now, state=host.agent.state)
    again.log.rows = list(host.log.rows)

    answer = again.ask(cmd.Resolve(by="anna", incident=again.incident.label, because="looks fine"))

    assert not answer.accepted


def test_what_a_person_resolves_before_it_was_proved_is_judged_unknown() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(seconds=10)

    host.ask(cmd.Resolve(by="anna", incident=host.incident.label, because="seen enough"))

    assert [one.outcome for one in host.incident.actions] == [Outcome.UNKNOWN]
