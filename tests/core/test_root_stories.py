"""Stories of several failures: whose doing it is, what is repaired first, and when it is too much to act on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox, why
from opsagent.core.diagnosis.evidence import Evidence
from opsagent.core.fold import replay
from opsagent.core.observation import Reading, Status
from opsagent.core.phase import Outcome, Phase, Repair
from opsagent.core.policy import CheckPolicy, Criticality, Policy, RemedyRule, UnitBudget
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import World
from tests.core.live_host import LiveHost
from tests.core.story_host import StoryHost
from tests.core.test_stories import API, POLICY

REDIS = replace(API, name="redis", kind="listen", unit="redis.service")
NEEDY = replace(API, depends_on=("redis",))


def host_of(*checks: CheckPolicy, **more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, checks=checks, **more))
    for check in checks:
        if check.unit and check.unit not in host.services:
            host.serve(check.unit)
    host.run(seconds=60)
    return host


def pair() -> LiveHost:
    host = host_of(NEEDY, REDIS)
    host.services["api.service"].needs = ("redis.service",)
    return host


def restarts(host: LiveHost, name: str) -> int:
    return len(host.services[name].restarts)


def test_redis_is_repaired_first_and_the_api_that_needs_it_is_left_in_peace() -> None:
    host = pair()
    host.services["redis.service"].start_takes = timedelta(seconds=30)

    host.kill("redis.service")
    host.run(minutes=10)

    assert (restarts(host, "redis.service"), restarts(host, "api.service")) == (1, 0)
    assert host.told() == []
    assert not host.agent.state.open_incidents


def test_the_child_names_its_parent() -> None:
    host = pair()
    host.services["redis.service"].can_start = False

    host.kill("redis.service")
    host.run(minutes=2)

    redis, api = host.agent.state.open_for("redis.service"), host.agent.state.open_for("api.service")
    assert (api.suppressed_by, api.parent) == ("parent", redis.seq)
    assert [owed.title.split(": ")[1].split()[0] for owed in host.told("page")] == ["redis"]


def test_what_it_fell_with_stays_in_the_record_of_a_child_that_is_good_again() -> None:
    host = pair()
    host.services["redis.service"].start_takes = timedelta(seconds=30)

    host.kill("redis.service")
    host.run(minutes=10)

    redis, api = host.agent.state.open_for("redis.service"), host.agent.state.open_for("api.service")
    assert (api.suppressed_by, api.parent) == (None, redis.seq)
    changes = [one for one in host.events(ev.SuppressionChanged) if one.by is None]
    assert len(changes) == 1


def test_a_child_that_is_still_down_once_its_root_is_verified_is_repaired_in_its_own_right() -> None:
    host = pair()
    host.kill("redis.service")
    host.kill("api.service")

    host.run(seconds=25)
    early = restarts(host, "api.service")
    host.run(seconds=20)

    assert (early, restarts(host, "api.service")) == (0, 1)
    verified = [one.at for one in host.recorded if isinstance(one.event, ev.ActionJudged)]
    assert host.services["api.service"].restarts[0] >= verified[0]


def test_a_root_that_a_person_stopped_keeps_its_children_quiet() -> None:
    host = pair()

    host.stop("redis.service", by="root")
    host.run(minutes=30)

    assert (restarts(host, "redis.service"), restarts(host, "api.service")) == (0, 0)
    assert host.told() == []


@pytest.mark.parametrize("armed", [True, False])
def test_the_children_of_a_root_that_a_person_starts_again_are_given_their_time(armed: bool) -> None:
    host = pair() if armed else host_of(replace(API, repair=()), replace(REDIS, repair=()))
    host.services["redis.service"].start_takes = timedelta(seconds=10)

    host.stop("redis.service", by="root")
    host.run(minutes=10)
    host.start("redis.service")
    host.run(minutes=10)

    assert (restarts(host, "redis.service"), restarts(host, "api.service")) == (0, 0)
    assert host.told() == []
    assert not host.agent.state.open_incidents


def test_what_systemd_says_is_bound_together_needs_no_setting() -> None:
    host = host_of(API, REDIS)
    host.change("api.service", pulls=("redis.service",))
    host.change("redis.service", also=("api.service",))

    host.change("api.service", tell=False, active_state="inactive", sub_state="dead")
    host.kill("redis.service")
    host.run(minutes=5)

    assert [one.also for one in host.events(ev.ActionRequested)] == [("api.service",)]
    assert not host.agent.state.open_incidents or host.agent.state.open_incidents[0].state is Phase.VERIFYING


def test_two_that_need_each_other_do_not_wait_for_each_other() -> None:
    host = host_of(API, REDIS)
    host.change("api.service", pulls=("redis.service",), also=("redis.service",))
    host.change("redis.service", pulls=("api.service",), also=("api.service",))

    host.take(_failed(host, "api.service"), _failed(host, "redis.service"))
    host.run(minutes=5)

    assert [one.unit for one in host.events(ev.ActionRequested)] == ["api.service"]
    assert all(service.is_ready(host.now) for service in host.services.values())


def test_two_that_need_each_other_page_when_neither_is_repaired() -> None:
    bare = [replace(check, repair=()) for check in (API, REDIS)]
    host = host_of(*bare)
    host.change("api.service", pulls=("redis.service",))
    host.change("redis.service", pulls=("api.service",))

    host.take(_failed(host, "api.service"), _failed(host, "redis.service"))
    host.run(minutes=10)

    assert len(host.told("page")) == 1


def independent(count: int) -> list[CheckPolicy]:
    return [replace(API, name=f"app{n}", unit=f"app{n}.service") for n in range(count)]


def test_three_unrelated_failures_in_a_minute_stop_all_repairs_and_are_told_as_one() -> None:
    host = host_of(*independent(4))
    for service in host.services.values():
        service.can_start = False

    for n in range(3):
        host.kill(f"app{n}.service")
    host.run(seconds=10)
    assert len(host.told("page")) == 1
    host.run(minutes=5)

    assert len(host.events(ev.BreakerOpened)) == 1
    assert sum(restarts(host, name) for name in host.services) <= 2
    assert len([owed for owed in host.told("page") if "many things failed at once" in owed.title]) == 1
    parent = host.agent.state.open_for("/breaker")
    assert {host.agent.state.open_for(f"app{n}.service").parent for n in range(3)} == {parent.seq}


def test_the_one_page_about_many_failures_says_why_each_failed() -> None:
    host = host_of(*independent(3))
    for service in host.services.values():
        service.can_start = False
    for n in range(3):
        host.kill(f"app{n}.service")
    assert host.told("page") == []

    for n in range(3):
        killed = UnitSnapshot(name=f"app{n}.service", read_at=host.now, active_state="failed", result="oom-kill")
        seq = host.agent.state.open_for(killed.name).seq
        host.take(inbox.SurroundingsSeen(incident=seq, evidence=Evidence(unit=killed)))

    host.run(seconds=1)
    (page,) = host.told("page")
    many = host.agent.state.open_for("/breaker")
    story = [moment.text for moment in many.timeline]
    world = World(state=host.agent.state, policy=POLICY, looks={}, now=host.now)
    explained = why.lines(world, str(many.label))
    for n in range(3):
        said = f"Cause of app{n}: the kernel killed a process of app{n}.service for memory"
        assert f"{said}.\n" in page.body
        assert story.count(said) == 1
        assert said in explained
    assert replay(State(), host.recorded) == (host.agent.state, 0)


def test_a_full_disk_is_no_third_failure_beside_two_services_that_fail_of_it() -> None:
    host = host_of(*independent(2), replace(API, name="srv", kind="disk", unit="srv.service", repair=()))
    full = Reading(status=Status.CRITICAL, message="/srv is 100 % full", failure_class="disk")
    host.answers["srv"] = lambda: full

    for service in host.services.values():
        service.can_start = False
    for n in range(2):
        host.kill(f"app{n}.service")
    host.run(seconds=50)

    assert host.agent.state.open_for("srv.service") is not None
    assert host.events(ev.BreakerOpened) == []


def test_what_fails_while_the_breaker_is_open_joins_it_and_keeps_it_open() -> None:
    host = host_of(*independent(4))
    for service in host.services.values():
        service.can_start = False
    for n in range(3):
        host.kill(f"app{n}.service")
    host.run(minutes=8)

    host.kill("app3.service")
    host.run(minutes=8)

    assert host.agent.state.breaker is not None
    assert "app3.service" in host.agent.state.breaker.keys
    assert restarts(host, "app3.service") == 0
    assert len([owed for owed in host.told("page") if "app3" in owed.title]) == 0


def test_after_ten_quiet_minutes_the_breaker_closes_and_each_is_repaired_on_its_own() -> None:
    host = host_of(*independent(3))
    for service in host.services.values():
        service.can_start = False
    for n in range(3):
        host.kill(f"app{n}.service")
    host.run(minutes=9)
    for service in host.services.values():
        service.can_start = True

    host.run(minutes=20)

    assert host.agent.state.breaker is None
    assert all(service.is_ready(host.now) for service in host.services.values())
    assert [owed.kind for owed in host.told("recovery")][:1] == ["recovery"]


def test_a_root_with_two_children_is_not_three_unrelated_failures() -> None:
    children = [replace(API, name=f"app{n}", unit=f"app{n}.service", depends_on=("redis",)) for n in range(3)]
    host = host_of(REDIS, *children)
    host.services["redis.service"].can_start = False

    for name in ("redis.service", "app0.service", "app1.service", "app2.service"):
        host.kill(name)
    host.run(minutes=2)

    assert host.events(ev.BreakerOpened) == []


def test_children_that_are_seen_before_their_root_are_no_unrelated_failures() -> None:
    children = [replace(API, name=f"app{n}", unit=f"app{n}.service", depends_on=("redis",)) for n in range(3)]
    host = host_of(REDIS, *children)
    for service in host.services.values():
        service.can_start = False

    host.take(*(_failed(host, name) for name in ("app0.service", "app1.service", "app2.service", "redis.service")))

    assert host.events(ev.BreakerOpened) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["failed", "stopped"])
def test_children_that_their_root_left_down_are_each_repaired_after_it(stopped: bool) -> None:
    """That the root is back makes them no unrelated failures, however short ago they were seen to fail."""
    children = [replace(API, name=f"app{n}", unit=f"app{n}.service", depends_on=("redis",)) for n in range(3)]
    host = host_of(REDIS, *children)

    (host.stop if stopped else host.kill)("redis.service")
    for child in children:
        host.kill(child.unit)
    if stopped:
        host.run(seconds=15)
        host.start("redis.service")
    host.run(minutes=3)

    assert host.events(ev.BreakerOpened) == []
    assert [restarts(host, child.unit) for child in children] == [1, 1, 1]
    assert all(service.is_ready(host.now) for service in host.services.values())


def _failed(host: LiveHost, name: str) -> object:

    host.services[name].unit = host.units[name] = replace(
        host.units[name], active_state="failed", sub_state="failed", result="signal", read_at=host.now
    )
    return inbox.UnitSeen(snapshot=host.units[name])


def test_one_units_failure_is_one_incident_whoever_saw_it() -> None:
    listen = replace(API, name="port", kind="listen")
    host = host_of(API, listen)
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=2)

    assert len(host.agent.state.incidents) == 1
    assert set(host.incident.checks) == {"api", "port"}


def test_the_worst_of_its_checks_gives_an_incident_its_severity() -> None:
    port = replace(API, name="port", kind="listen", criticality=Criticality.CRITICAL)
    host = host_of(API, port)

    host.kill("api.service")

    assert host.incident.severity == "SEV1"
    assert host.incident.repair in (Repair.RUNNING, Repair.VERIFYING)
    assert host.incident.actions[0].outcome is Outcome.RUNNING


def test_a_check_that_is_called_breaker_is_a_check_like_any_other() -> None:
    named = replace(API, name="breaker", unit=None, repair=())
    host = LiveHost(replace(POLICY, checks=(*independent(3), named)))
    for n in range(3):
        host.serve(f"app{n}.service")
    host.answers["breaker"] = lambda: Reading(status=Status.CRITICAL, message="open", failure_class="status")
    host.run(minutes=1)

    for n in range(3):
        host.services[f"app{n}.service"].can_start = False
        host.kill(f"app{n}.service")

    assert host.agent.state.open_for("breaker").check == "breaker"
    assert host.agent.state.open_for("/breaker").seq != host.agent.state.open_for("breaker").seq


def test_one_unit_takes_at_most_half_of_the_hosts_repairs_and_the_host_keeps_to_its_own() -> None:
    host = host_of(*independent(4), per_unit=UnitBudget(attempts=10, waits=()))

    for n in (0, 0, 0, 0, 1, 1, 2, 3):
        if host.services[f"app{n}.service"].is_ready(host.now):
            host.kill(f"app{n}.service")
        host.run(minutes=2)

    assert [restarts(host, f"app{n}.service") for n in range(4)] == [3, 2, 1, 0]
    assert "6 repairs on this host" in host.agent.state.open_for("app3.service").repair_reason


def test_a_young_root_that_was_never_bad_holds_nobody_back() -> None:
    """A host that has just come up: redis started a minute ago, we seconds ago, and then the api is killed."""
    host = StoryHost(
        Policy(
            host="web-1",
            checks=(
                CheckPolicy(
                    name="api",
                    kind="http",
                    unit="api.service",
                    repair=(RemedyRule(do="restart"),),
                    criticality=Criticality.IMPORTANT,
                    depends_on=("redis",),
                ),
                CheckPolicy(name="redis", kind="listen", unit="redis-server.service"),
            ),
        )
    )
    host.unit("redis-server.service", active_state="active", sub_state="running", inactive_exit_at=host.now)
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="a" * 32)
    host.pass_(seconds=10)
    host.good("redis")
    host.good("api")

    host.pass_(seconds=3)
    host.unit("api.service", active_state="failed", sub_state="failed", result="signal", exec_main_status=9)
    host.answer_facts()

    assert [order.unit for _, _, order in host.orders.acted] == ["api.service"]
