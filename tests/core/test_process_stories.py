"""Remedies for a process: a signal before a restart, a stop on purpose, a restart with all that depends on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import commands as cmd
from opsagent.core import dependants, inbox
from opsagent.core.diagnosis import case
from opsagent.core.diagnosis.evidence import Evidence
from opsagent.core.observation import Reading, Status, ok
from opsagent.core.phase import Outcome, Repair
from opsagent.core.policy import CheckPolicy, Policy, RemedyRule
from opsagent.core.unit import UnitSnapshot
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY

ABORT, CONTINUE = RemedyRule(do="signal", name="SIGABRT"), RemedyRule(do="signal", name="SIGCONT")
RESTART, STOP = RemedyRule(do="restart"), RemedyRule(do="stop")
ALL = RemedyRule(do=dependants.REMEDY)


def host_with(*repair: RemedyRule) -> LiveHost:
    host = LiveHost(replace(POLICY, checks=(replace(API, repair=repair),)))
    host.serve("api.service")
    host.run(minutes=2)
    return host


def done(host: LiveHost) -> list[tuple[str, str]]:
    return [(one.label, one.outcome.value) for one in host.incident.actions if one.outcome is not Outcome.REFUSED]


def test_a_hung_service_is_told_to_dump_its_stack_and_restarted_at_once_after_it() -> None:
    host = host_with(ABORT, RESTART)
    host.services["api.service"].sick = "timeout"
    host.run(minutes=1, until=lambda: len(host.orders.acted) == 1)
    host.services["api.service"].sick = ""  # a new process is well

    host.run(minutes=3)

    assert done(host) == [("signal SIGABRT", "failed"), ("restart", "verified")]
    first, second = (event for _, _, event in host.orders.acted)
    assert "by opsagent-act-signal-sigabrt-api.service" in first.reason
    between = host.incident.actions[1].at - host.incident.actions[0].at
    assert between < min(POLICY.per_unit.waits), "a preparation is not waited after"
    assert second.remedy == "restart"


def test_what_died_of_our_own_signal_is_not_said_to_have_crashed_of_it() -> None:
    host = host_with(ABORT)
    host.services["api.service"].sick = "timeout"
    host.run(minutes=5)
    assert done(host)[0] == ("signal SIGABRT", "failed")
    fell = {"active_state": "failed", "sub_state": "failed", "result": "core-dump", "exec_main_code": 3}
    unit = replace(host.units["api.service"], exec_main_status=6, **fell)

    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=Evidence(unit=unit)))

    assert "SIGABRT" not in host.incident.because


def test_how_our_own_signal_ended_it_is_no_evidence_of_what_fails_after_it() -> None:
    host = host_with(ABORT, RESTART)
    host.services["api.service"].sick = "timeout"
    host.run(minutes=1, until=lambda: len(host.orders.acted) == 1)
    host.services["api.service"].sick = ""
    host.run(minutes=3)
    aborted, restarted = host.incident.actions

    another = replace(host.incident, seq=99, actions=(), first_bad_at=restarted.at + timedelta(minutes=1))

    assert case.since(host.agent.state, host.incident) == restarted.ended_at
    assert case.since(host.agent.state, another) == restarted.ended_at
    in_vain = replace(host.incident, actions=(aborted, replace(restarted, outcome=Outcome.FAILED)))
    assert case.since(host.agent.state, in_vain) == restarted.at


def test_a_stopped_process_is_woken_and_that_alone_is_the_repair() -> None:
    host = host_with(CONTINUE, RESTART)
    host.services["api.service"].sick = "timeout"

    host.run(minutes=5)

    assert done(host) == [("signal SIGCONT", "verified")]


def test_a_dead_service_gets_no_signal() -> None:
    host = host_with(ABORT, RESTART)

    host.kill("api.service")
    host.run(minutes=3)

    assert done(host) == [("restart", "verified")]


@pytest.mark.parametrize("is_playbook", [True, False])
@pytest.mark.parametrize("steps", [(ABORT,), (RemedyRule(do="reload"), STOP)])
def test_a_dead_service_for_which_only_a_signal_is_allowed_is_left_to_a_person_at_once(
    steps: tuple[RemedyRule, ...], *, is_playbook: bool
) -> None:
    host = playbook(*steps) if is_playbook else host_with(*steps)

    host.kill("api.service")
    died = host.now
    host.run(hours=9)

    assert done(host) == []
    [refused] = host.incident.actions
    last = steps[-1 if is_playbook else 0].label
    assert refused.reason == f"api.service is down: {last} needs a process, and nothing else is allowed"
    assert host.incident.repair is Repair.EXHAUSTED
    assert host.delivered[0][0] - died < timedelta(seconds=5)


def test_what_was_stopped_on_purpose_is_no_operators_stop_stays_down_and_a_person_is_told() -> None:
    host = host_with(STOP)
    host.services["api.service"].sick = "status"

    host.run(hours=1)

    assert done(host) == [("stop", "failed")]
    assert host.agent.state.stops == {}
    assert host.incident.repair is Repair.HELD
    assert [one.guard for one in host.incident.actions if one.outcome is Outcome.REFUSED] == ["own_stop"]
    [notice] = [one for one in host.told("notice") if "on purpose" in one.title]
    assert notice.title == "[NOTICE] web-1: api.service was stopped by opsagent, on purpose"
    assert "systemctl start api.service" in notice.body
    assert host.told("page")


def test_a_restart_before_the_stop_in_the_list_does_not_follow_it() -> None:
    host = host_with(RESTART, STOP)
    host.services["api.service"].sick = "status"

    host.run(hours=1)

    assert done(host) == [("restart", "failed"), ("stop", "failed")]
    assert host.units["api.service"].active_state == "inactive"


def test_where_the_list_goes_on_after_the_stop_the_service_is_started_again_and_no_notice_is_sent() -> None:
    host = host_with(STOP, RESTART)
    host.services["api.service"].sick = "status"
    host.run(minutes=1, until=lambda: len(host.orders.acted) == 1)
    host.services["api.service"].sick = ""

    host.run(minutes=3)

    assert done(host) == [("stop", "failed"), ("restart", "verified")]
    assert host.told("notice") == []
    assert host.agent.state.own_stops == {}


def test_a_person_may_start_what_was_stopped_and_then_it_is_as_any_other() -> None:
    host = host_with(STOP)
    host.services["api.service"].sick = "status"
    host.run(minutes=10)

    host.services["api.service"].sick = ""
    host.start("api.service")
    host.run(minutes=3)

    assert host.agent.state.own_stops == {}
    assert host.incident.state.value == "verifying" or not host.incident.is_open


def test_a_person_may_order_the_restart_of_what_was_stopped() -> None:
    host = host_with(RESTART, STOP)
    host.services["api.service"].sick = "status"
    host.run(minutes=30)
    host.services["api.service"].sick = ""

    assert host.ask(cmd.RepairNow(by="ann", check="api", remedy="restart")).accepted
    host.run(minutes=3)

    assert done(host)[-1] == ("restart", "verified")


def playbook(*steps: RemedyRule, **more: object) -> LiveHost:
    disk = CheckPolicy(name="disk", kind="disk", every=timedelta(minutes=5))
    host = LiveHost(replace(POLICY, checks=(replace(API, repair=steps, ordered=True), disk), **more))
    host.answers["disk"] = lambda: ok("40 % used")
    host.serve("api.service")
    host.run(minutes=6)
    return host


def test_a_playbook_is_done_in_its_order_with_its_own_waits_and_then_a_person_is_told() -> None:
    slowly = replace(RESTART, wait=timedelta(seconds=90))
    host = playbook(CONTINUE, slowly, RemedyRule(do="reload"))
    host.answers["api"] = lambda: Reading(status=Status.CRITICAL, message="answered 500", failure_class="status")

    host.run(minutes=40)

    assert done(host) == [("signal SIGCONT", "failed"), ("restart", "failed"), ("reload", "failed")]
    _, second, third = host.incident.actions[:3]
    assert second.ended_at is not None
    assert third.at - second.ended_at >= timedelta(seconds=90)
    assert host.incident.repair is Repair.EXHAUSTED
    assert host.incident.repair_reason == "every step of the playbook of api was tried"
    assert host.told("page")


def test_what_was_learned_never_changes_the_order_of_a_playbook() -> None:
    host = playbook(CONTINUE, RESTART)
    for _ in range(4):
        host.services["api.service"].sick = "status"
        host.services["api.service"].cured_by = "restart"
        host.run(hours=2)

    every = [event.remedy for _, _, event in host.orders.acted]
    assert every == ["signal", "restart"] * 4


def test_a_playbook_ends_at_a_step_that_did_not_do_what_it_had_to() -> None:
    host = playbook(replace(STOP, verify="disk"), RESTART)
    host.answers["disk"] = lambda: Reading(status=Status.CRITICAL, message="99 % used", failure_class="usage")
    host.services["api.service"].sick = "status"

    host.run(minutes=30)

    assert done(host) == [("stop", "failed")]
    assert host.incident.repair is Repair.EXHAUSTED
    assert host.incident.repair_reason == "the playbook of api ends at stop: disk is not good (99 % used)"


def test_a_playbook_goes_on_at_once_when_its_step_is_proven_by_a_look_of_its_own() -> None:
    host = playbook(replace(STOP, verify="disk"), RESTART)
    host.services["api.service"].sick = "status"
    host.run(minutes=1, until=lambda: len(host.orders.acted) == 1)
    host.services["api.service"].sick = ""

    host.run(minutes=2)

    assert done(host) == [("stop", "failed"), ("restart", "verified")]
    assert host.incident.actions[1].at - host.incident.actions[0].at < timedelta(seconds=5)


def service(name: str, *needs: str, repair: tuple[RemedyRule, ...] = ()) -> CheckPolicy:
    return replace(API, name=name, unit=f"{name}.service", depends_on=needs, repair=repair)


SHOP = (service("db", repair=(ALL,)), service("api", "db"), service("web", "api"), service("mail"))


def test_a_restart_with_dependants_takes_them_in_the_order_of_the_graph_and_counts_each() -> None:
    host = LiveHost(replace(POLICY, checks=SHOP))
    for check in SHOP:
        host.serve(check.unit or "")
    host.run(minutes=2)
    host.services["db.service"].sick = "status"
    host.run(minutes=1, until=lambda: bool(host.orders.acted))
    host.services["db.service"].sick = ""

    host.run(minutes=3)

    [(_, _, order)] = host.orders.acted
    assert (order.remedy, order.unit, order.also) == (ALL.do, "db.service", ("api.service", "web.service"))
    [attempt] = host.agent.state.attempts
    assert [attempt.touched(one.unit or "") for one in SHOP] == [True, True, True, False]


def test_a_dependant_under_maintenance_by_a_person_keeps_the_whole_from_being_restarted() -> None:
    host = LiveHost(replace(POLICY, checks=SHOP))
    for check in SHOP:
        host.serve(check.unit or "")
    host.run(minutes=2)
    host.ask(
        cmd.Pause(by="ann", target="web", lasts=timedelta(hours=2), pages=False, repairs=True, because="a migration")
    )
    host.services["db.service"].sick = "status"

    host.run(minutes=3)

    assert host.orders.acted == []
    assert "web is paused by ann" in [one.reason for one in host.incident.actions][-1]


def test_a_dependant_that_is_down_is_not_started_by_the_way() -> None:
    units = [UnitSnapshot(name="api.service", read_at=NOON, active_state="inactive")]
    units += [UnitSnapshot(name="web.service", read_at=NOON, active_state="active")]

    assert dependants.in_order(Policy(host="h", checks=SHOP), units) == ("web.service",)


def test_what_systemd_binds_comes_after_what_it_is_bound_to() -> None:
    unit = UnitSnapshot(name="a.service", read_at=NOON, active_state="active", pulls=("b.service",))
    other = UnitSnapshot(name="b.service", read_at=NOON, active_state="active")

    assert dependants.in_order(Policy(host="h"), [unit, other]) == ("b.service", "a.service")


NAMES = st.sampled_from("abcdef")


@given(st.lists(st.tuples(NAMES, NAMES), max_size=12))
def test_every_dependant_comes_once_and_after_all_it_needs(edges: list[tuple[str, str]]) -> None:
    forward = [(low, high) for low, high in edges if low < high]  # no circles: the settings refuse them
    needs = {name: tuple(low for low, high in forward if high == name) for name in "abcdef"}
    policy = Policy(host="h", checks=tuple(service(name, *needs[name]) for name in "abcdef"))

    found = dependants.below(policy, "a.service")

    assert len(found) == len(set(found))
    place = {unit: number for number, unit in enumerate(found)}
    for low, high in forward:
        below = f"{low}.service" in place and f"{high}.service" in place
        assert not below or place[f"{low}.service"] < place[f"{high}.service"]
        assert low != "a" or f"{high}.service" in place
