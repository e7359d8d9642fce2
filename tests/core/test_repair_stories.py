"""Stories of repairs: how often, how soon, and when the hand is held back."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.observation import Reading, Status
from opsagent.core.phase import Outcome, Phase, Repair
from opsagent.core.policy import Confirm, HostBudget, RemedyRule
from opsagent.core.unit import HostConditions, JobOutcome
from tests.core.live_host import LiveHost
from tests.core.story_host import StoryHost
from tests.core.test_stories import API, POLICY, killed_host

CALM = replace(API, every=timedelta(seconds=60), confirm=Confirm(retry=timedelta(seconds=30)))  # for days of fake time


def api_host(**more: object) -> LiveHost:
    host = LiveHost(POLICY)
    host.serve("api.service", **more)
    host.run(seconds=60)
    return host


def test_a_service_that_takes_40_s_to_start_is_restarted_once_and_never_called_blind() -> None:
    host = api_host(start_takes=timedelta(seconds=40))

    host.kill("api.service")
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 1
    assert [one.outcome for one in host.incident.actions] == [Outcome.VERIFIED]
    assert len(host.events(ev.IncidentSuspected)) == 1
    assert host.told() == []


@pytest.mark.parametrize("start_takes", [0.5, 0.95, 3.4, 11.7, 40.0])
def test_the_end_of_the_outage_is_seen_within_300_ms_however_long_the_service_takes_to_start(
    start_takes: float,
) -> None:
    host = api_host(start_takes=timedelta(seconds=start_takes))

    host.kill("api.service")
    host.run(minutes=2)

    outage = host.incident.mitigated_at - host.incident.first_bad_at
    assert timedelta(seconds=start_takes) <= outage <= timedelta(seconds=start_takes + 0.3)


def test_what_listens_and_is_not_well_yet_is_not_pestered() -> None:
    host = api_host()
    host.services["api.service"].sick = "status"
    host.run(minutes=1, until=lambda: bool(host.services["api.service"].restarts))
    looks = []
    host.answers["api"] = lambda: (
        looks.append(host.now) or Reading(status=Status.CRITICAL, message="answered 503", failure_class="status")
    )

    host.run(seconds=30)

    assert 8 <= len(looks) <= 12


def days_of(check: object = CALM, **more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, checks=(check,), **more))
    host.serve("api.service")
    host.run(seconds=60)
    return host


def hours_between(times: list) -> list[float]:
    return [round((later - earlier) / timedelta(hours=1), 1) for earlier, later in itertools.pairwise(times)]


def test_a_bad_configuration_is_tried_three_times_then_once_after_1_2_4_and_8_hours() -> None:
    host = days_of()
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(hours=24)

    tries = host.services["api.service"].restarts
    assert tries[2] - tries[0] < timedelta(minutes=5)
    assert hours_between(tries[2:]) == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert len(tries) == 8
    assert host.incident.repair is Repair.EXHAUSTED


def test_giving_up_is_loud_at_once_and_the_checks_go_on() -> None:
    host = days_of()
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=4)
    looks = host.agent.looks["api"].at
    host.run(minutes=4)

    assert [owed.kind for owed in host.told()] == ["page"]
    assert host.incident.repair is Repair.EXHAUSTED
    assert host.agent.looks["api"].at > looks


def test_the_waits_run_from_the_end_of_an_attempt_not_from_its_order() -> None:
    host = LiveHost(POLICY)
    service = host.serve("api.service")
    host.run(seconds=60)
    service.can_start = False

    host.kill("api.service")
    host.run(minutes=5)

    actions = [one for one in host.incident.actions if one.attempt]
    waits = [later.at - earlier.ended_at for earlier, later in itertools.pairwise(actions)]
    assert [round(wait.total_seconds()) for wait in waits] == [10, 60]


def test_a_wait_between_two_tries_is_no_refusal_and_giving_up_is_one() -> None:
    host = days_of()
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=8)

    refused = [one for one in host.incident.actions if not one.attempt]
    assert [(one.guard, one.reason) for one in refused] == [("budget", "api.service: 3 repairs in 30 min (limit 3)")]


def test_after_a_repair_that_worked_giving_up_is_forgotten() -> None:
    host = days_of()
    service = host.services["api.service"]
    service.can_start = False
    host.kill("api.service")
    host.run(minutes=30)
    service.can_start = True

    host.run(minutes=45)

    assert host.incident.actions[-1].outcome is Outcome.VERIFIED
    assert (host.incident.exhausted, host.incident.gave_up_at) == (0, None)


def test_what_polkit_refuses_is_told_at_once_and_asked_again_ever_more_slowly() -> None:
    host = days_of()
    host.refusal = "org.freedesktop.DBus.Error.AccessDenied"

    host.kill("api.service")
    host.run(minutes=1)
    assert [owed.kind for owed in host.told()] == ["page"]
    host.run(hours=16)

    asked = [one.at for one in host.incident.actions if one.attempt]
    assert hours_between(asked) == [1.0, 2.0, 4.0, 8.0]
    assert {one.outcome for one in host.incident.actions} == {Outcome.REFUSED}


def test_a_unit_counts_what_other_units_repairs_did_to_it() -> None:
    redis = replace(CALM, name="redis", kind="listen", unit="redis.service")
    host = days_of(check=CALM)
    host = LiveHost(replace(POLICY, checks=(CALM, redis)))
    host.serve("api.service")
    host.serve("redis.service")
    host.change("redis.service", also=("api.service",))
    host.run(seconds=60)
    for _ in range(3):
        host.kill("redis.service")
        host.run(minutes=2)
    assert len(host.services["api.service"].restarts) == 3

    host.kill("api.service")
    host.run(minutes=1)

    assert len(host.services["api.service"].restarts) == 3
    assert host.agent.state.open_for("api.service").repair is Repair.EXHAUSTED


def test_what_a_person_mended_and_what_then_dies_has_all_its_tries_again() -> None:
    host = days_of(per_host=HostBudget(actions=12))
    service = host.services["api.service"]
    service.can_start = False
    host.kill("api.service")
    host.run(minutes=32)
    service.can_start = True
    host.start("api.service")
    host.run(minutes=10)
    service.can_start = False
    before = len(service.restarts)

    host.kill("api.service")
    host.run(minutes=5)

    assert host.incident.reopened == 1
    assert len(service.restarts) == before + 3


def test_an_order_of_a_person_does_not_outlive_the_spell_it_was_given_in() -> None:
    host = days_of()
    host.conditions = HostConditions(busy="apt holds dpkg's lock")
    host.kill("api.service")
    host.run(seconds=5)
    host.ask(cmd.RepairNow(by="anna", check="api"))
    host.start("api.service")
    host.run(minutes=10)

    assert host.incident.state is Phase.RESOLVED
    assert host.incident.asked_by == ""


BOTH = (RemedyRule(do="reload"), RemedyRule(do="restart"))


class WithoutReload(LiveHost):
    """Its units have no ExecReload=: systemd refuses to reload them."""

    def outcome(self, event: ev.ActionRequested) -> JobOutcome:
        if event.remedy == "reload":
            return JobOutcome(result="refused", error="JobTypeNotApplicable")
        healed = super().outcome(event)
        self.services[event.unit].sick = ""
        return healed


def test_what_is_dead_is_not_reloaded_where_something_else_is_allowed() -> None:
    host = days_of(replace(API, repair=BOTH))

    host.kill("api.service")
    host.run(minutes=10)

    assert [(one.remedy, one.outcome) for one in host.incident.actions] == [("restart", Outcome.VERIFIED)]


def test_a_remedy_that_systemd_refuses_gives_way_to_the_next_and_nobody_is_woken() -> None:
    host = WithoutReload(replace(POLICY, checks=(replace(API, repair=BOTH),)))
    host.serve("api.service")
    host.run(seconds=60)

    host.services["api.service"].sick = "status"
    host.run(minutes=10)

    tried = [(one.remedy, one.outcome) for one in host.incident.actions]
    assert tried == [("reload", Outcome.REFUSED), ("restart", Outcome.VERIFIED)]
    assert host.told() == []


class WithBadSettings(LiveHost):
    """Its services run with the settings they began with, and cannot read the ones they would get."""

    def outcome(self, event: ev.ActionRequested) -> JobOutcome:
        return JobOutcome(result="failed") if event.remedy == "reload" else super().outcome(event)


def test_what_runs_and_refuses_to_be_reloaded_is_not_taken_down_by_a_restart() -> None:
    host = WithBadSettings(replace(POLICY, checks=(replace(API, repair=BOTH),)))
    host.serve("api.service")
    host.run(seconds=60)

    host.services["api.service"].sick = "status"
    host.run(minutes=10)

    tried = [(one.remedy, one.outcome, one.guard) for one in host.incident.actions]
    assert tried == [("reload", Outcome.FAILED, ""), ("restart", Outcome.REFUSED, "change")]
    assert host.services["api.service"].restarts == []
    assert [one.kind for one in host.told()] == ["page"]


def test_what_died_after_its_reload_failed_is_restarted() -> None:
    host = WithBadSettings(replace(POLICY, checks=(replace(API, repair=BOTH),)))
    host.serve("api.service")
    host.run(seconds=60)
    host.services["api.service"].sick = "status"
    host.run(minutes=2)

    host.services["api.service"].sick = ""
    host.kill("api.service")
    host.run(minutes=10)

    assert [one.outcome for one in host.incident.actions if one.remedy == "restart"][-1] is Outcome.VERIFIED


def test_when_every_remedy_is_refused_a_person_is_told_and_it_is_tried_again_slowly() -> None:
    host = days_of(replace(API, repair=BOTH))
    host.refusal = "AccessDenied"

    host.services["api.service"].sick = "status"
    host.run(minutes=10)

    assert [one.remedy for one in host.incident.actions] == ["reload", "restart"]
    assert host.incident.repair is Repair.EXHAUSTED
    assert [one.kind for one in host.told()] == ["page"]


def test_a_unit_has_three_restarts_in_thirty_minutes_however_much_the_host_has_left() -> None:
    host = days_of(per_host=HostBudget(actions=40))
    service = host.services["api.service"]

    for _ in range(5):
        if service.is_ready(host.now):
            host.kill("api.service")
        host.run(minutes=5)

    assert len(service.restarts) == 3
    assert host.incident.repair_reason == "api.service: 3 repairs in 30 min (limit 3)"


def test_what_fell_with_another_three_times_in_an_hour_has_had_its_share_of_the_host() -> None:
    redis = replace(CALM, name="redis", kind="listen", unit="redis.service")
    host = LiveHost(replace(POLICY, checks=(CALM, redis)))
    host.serve("api.service")
    host.serve("redis.service")
    host.change("redis.service", also=("api.service",))
    host.run(seconds=60)
    for _ in range(3):
        host.kill("redis.service")
        host.run(minutes=16)

    host.kill("api.service")
    host.run(minutes=1)

    assert len(host.services["api.service"].restarts) == 3
    reason = host.agent.state.open_for("api.service").repair_reason
    assert reason == "api.service has had its 3 of the host's 6 repairs in 1 h"


def test_a_restart_is_waited_for_until_what_is_deaf_to_sigterm_is_killed_and_the_last_dependant_has_stopped() -> None:
    host = api_host()
    host.serve("worker.service")
    host.change("worker.service", timeout_stop=timedelta(minutes=3))
    host.change("api.service", timeout_stop=timedelta(seconds=90), timeout_start=None, also=("worker.service",))

    host.services["api.service"].sick = "status"
    host.run(minutes=1)

    [ordered] = host.events(ev.ActionRequested)
    assert ordered.timeout == timedelta(minutes=3, seconds=90)


def test_a_command_is_given_its_own_time_and_no_more() -> None:
    cleaning = replace(API, repair=(RemedyRule(do="command", command=("/bin/clean",), timeout=timedelta(seconds=5)),))
    host = LiveHost(replace(POLICY, checks=(cleaning,)))
    host.serve("api.service")
    host.run(seconds=60)

    host.services["api.service"].sick = "status"
    host.run(minutes=1)

    assert host.events(ev.ActionRequested)[0].timeout == timedelta(seconds=5)


def test_what_answers_well_while_it_is_stopped_is_proved_by_what_is_started_after_it() -> None:
    """SIGSTOP, and the service is deaf: its restart lets it run on until systemd kills it a minute and a half later."""
    host = killed_host()
    host.answer_facts()
    host.good("api")
    for _ in range(9):
        host.pass_(seconds=10)
        host.good("api")
    assert host.incident.actions[0].outcome is Outcome.RUNNING

    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32)
    host.good("api")
    assert host.incident.actions[0].outcome is Outcome.RUNNING

    for _ in range(3):
        host.pass_(seconds=10)
        host.good("api")
    assert host.incident.actions[0].outcome is Outcome.VERIFIED


def test_one_good_look_at_an_armed_check_does_not_make_it_one_that_is_only_watched() -> None:
    beside = replace(API, name="api-port", kind="listen", repair=())
    host = StoryHost(replace(POLICY, checks=(API, beside)))
    host.unit("api.service", active_state="active", sub_state="running")
    for _ in range(3):
        host.bad("api")
        host.bad("api-port")
        host.pass_(seconds=5)

    host.good("api")

    assert host.events(ev.IncidentConfirmed)
    assert host.events(ev.ActionRefused) == []


def test_each_of_systemds_own_restarts_is_no_reason_to_say_again_what_holds_the_repair() -> None:
    host = StoryHost(POLICY)
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="1", inactive_exit_at=host.now)
    for restarts in range(1, 101):
        back = {"active_state": "activating", "sub_state": "auto-restart", "nrestarts": restarts}
        host.unit("api.service", **back)
        host.answer_facts()
        host.pass_(seconds=2)
        runs = {"active_state": "active", "sub_state": "running", "inactive_exit_at": host.now}
        host.unit("api.service", **runs)
        host.answer_facts()
        host.pass_(seconds=1)

    assert len(host.events(ev.IncidentConfirmed)) == 1
    assert len(host.events(ev.RepairMoved)) < 20  # 5 min of a loop; the question is asked ever more slowly

    host.unit("api.service", active_state="failed", sub_state="failed", result="exit-code")
    host.answer_facts()

    assert host.orders.acted, "systemd has given up: now it is ours, and at once"
