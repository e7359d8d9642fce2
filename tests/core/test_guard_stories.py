"""Every question before an action: the refusal, its reason, and what happens afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, why
from opsagent.core.guards import Case, answers
from opsagent.core.observation import Reading, Status
from opsagent.core.phase import Outcome, Repair
from opsagent.core.policy import Confirm, Maintenance, Mode, RemedyRule, UnitBudget
from opsagent.core.unit import HostConditions
from opsagent.core.world import Facts
from tests.core.live_host import LiveHost
from tests.core.test_stories import API, POLICY, SLOW

ORDER = (
    *("hold", "security", "mode", "armed", "denied", "operator_stop", "own_stop", "masked", "disabled"),
    *(
        "oneshot",
        "job",
        "busy",
        "quiet",
        "deploy",
        "boot",
        "overload",
        "flapping",
        "root",
        "breaker",
        "change",
        "just_started",
    ),
    *("dependency", "cause", "budget", "experience"),
)
RELOAD = RemedyRule(do="reload")
QUIET_ALL_DAY = Maintenance(checks=("api",), begins="00:00", lasts=timedelta(hours=24), zone="UTC", repairs=True)


def host_of(check: object = API, **more: object) -> LiveHost:
    host = LiveHost(replace(POLICY, checks=(check,), **more))
    host.serve(check.unit)
    host.run(seconds=60)
    return host


def conditions(host: LiveHost, **more: object) -> None:
    host.conditions = HostConditions(**more)
    host.take(inbox.HostSeen(conditions=host.conditions))


def refusals(host: LiveHost) -> list[tuple[str, str]]:
    return [(one.guard, one.reason) for one in host.incident.actions if one.outcome is Outcome.REFUSED]


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """What holds a hand back (`before` the failure), what is said then, and what lets it go (None: only a person)."""

    guard: str
    reason: str
    before: Callable[[LiveHost], None] = lambda host: None
    after: Callable[[LiveHost], None] | None = None
    check: object = API
    policy: tuple = ()
    repair: Repair = Repair.HELD

    def host(self) -> LiveHost:
        return host_of(self.check, **dict(self.policy))


def mark(**more: object) -> Callable[[LiveHost], None]:
    return lambda host: host.change("api.service", **more)


def on_host(**more: object) -> Callable[[LiveHost], None]:
    return lambda host: conditions(host, **more)


def pause(**more: object) -> Callable[[LiveHost], None]:
    return lambda host: host.ask(
        cmd.Pause(by="anna", target="api", lasts=timedelta(minutes=10), because="work", **more)
    )


GUARDED = (
    Guarded(guard="hold", reason="HOLD: root says so", before=on_host(hold="root says so"), after=on_host()),
    Guarded(
        guard="mode",
        reason="would have restarted api.service: mode is observe",
        policy=(("mode", Mode.OBSERVE),),
    ),
    Guarded(
        guard="denied",
        reason="ssh.service: cannot act on 'ssh.service', it is never touched: the way in for people",
        check=replace(API, unit="ssh.service"),
    ),
    Guarded(
        guard="denied",
        reason="postgresql.service holds data",
        check=replace(API, unit="postgresql.service"),
    ),
    Guarded(guard="masked", reason="api.service is masked", before=mark(unit_file_state="masked")),
    Guarded(guard="masked", reason="api.service does not exist", before=mark(load_state="not-found", tell=False)),
    Guarded(
        guard="oneshot",
        reason="api.service is a oneshot: running it again is not a repair",
        before=mark(type="oneshot"),
    ),
    Guarded(guard="oneshot", reason="api.service is driven by api.timer", before=mark(triggered_by=("api.timer",))),
    Guarded(
        guard="job",
        reason="a start job of api.service is queued: systemd is on it",
        before=mark(job="start"),
        after=mark(job=None),
        repair=Repair.WAITING,
    ),
    Guarded(
        guard="busy",
        reason="apt holds dpkg's lock",
        before=on_host(busy="apt holds dpkg's lock"),
        after=on_host(),
        repair=Repair.WAITING,
    ),
    Guarded(
        guard="quiet",
        reason="maintenance of api from 00:00 (UTC)",
        policy=(("maintenance", (QUIET_ALL_DAY,)),),
    ),
    Guarded(
        guard="boot",
        reason="the system is stopping",
        before=on_host(system_state="stopping"),
        repair=Repair.WAITING,
    ),
    Guarded(
        guard="boot",
        reason="the system is starting",
        before=on_host(system_state="starting"),
        after=on_host(),
        repair=Repair.WAITING,
    ),
)


@pytest.mark.parametrize("one", GUARDED, ids=lambda one: f"{one.guard}: {one.reason[:30]}")
def test_a_guard_refuses_once_with_its_reason_and_lets_go_when_it_is_over(one: Guarded) -> None:
    host = one.host()
    unit = host.agent.policy.checks[0].unit
    one.before(host)

    host.kill(unit)
    host.run(minutes=4)

    assert refusals(host) == [(one.guard, one.reason)]
    assert host.incident.repair is one.repair
    assert host.services[unit].restarts == []
    if one.after is not None:
        one.after(host)
        host.run(seconds=15)
        assert len(host.services[unit].restarts) == 1


def test_the_questions_are_asked_in_the_promised_order() -> None:
    host = host_of()
    host.kill("api.service")
    world = host.agent.world(host.now)
    facts = Facts(unit="api.service", at=host.now, snapshot=host.units["api.service"])

    asked = answers(Case(world=world, incident=host.incident, check=API, rule=API.repair[0], facts=facts))

    assert tuple(one.guard for one in asked) == ORDER


def test_a_refusal_that_lasts_a_day_fills_neither_the_log_nor_the_story() -> None:
    host = host_of(SLOW)
    conditions(host, hold="root says so")
    host.kill("api.service")

    host.run(hours=6)

    assert len(host.events(ev.ActionRefused)) == 1
    assert len(host.events(ev.RepairMoved)) < 100
    assert sum("HOLD" in moment.text for moment in host.incident.timeline) <= 4


def test_what_nobody_armed_is_told_as_would_have() -> None:
    host = host_of(replace(API, repair=()))

    host.kill("api.service")

    assert refusals(host) == [("armed", "would have restarted api.service: api is only watched (repair: [])")]


def test_an_operators_stop_is_left_alone_and_tells_nobody() -> None:
    host = host_of()

    host.stop("api.service", by="root")
    host.run(minutes=30)

    assert host.services["api.service"].restarts == []
    assert host.told() == []
    assert not host.agent.state.open_incidents


def test_after_an_operators_stop_a_start_by_hand_makes_it_a_service_again() -> None:
    host = host_of()
    host.stop("api.service", by="root")
    host.run(minutes=5)
    host.start("api.service")
    host.run(minutes=5)

    host.kill("api.service")

    assert len(host.services["api.service"].restarts) == 1


@pytest.mark.parametrize("armed", [True, False])
@pytest.mark.parametrize("failed_before", [True, False])
def test_what_was_seen_while_a_person_had_it_stopped_is_no_failure_once_it_is_started(
    armed: bool, failed_before: bool
) -> None:
    host = host_of() if armed else host_of(replace(API, repair=()))
    if failed_before:
        host.kill("api.service")
        host.start("api.service")
        host.run(minutes=10)
    before, restarts = len(host.told()), len(host.services["api.service"].restarts)
    host.services["api.service"].start_takes = timedelta(seconds=20)

    host.stop("api.service", by="root")
    host.run(minutes=5)
    host.start("api.service")
    host.run(minutes=5)

    assert not host.agent.state.open_incidents
    assert len(host.told()) == before
    assert len(host.services["api.service"].restarts) == restarts
    assert host.agent.looks["api"].status is Status.OK


def test_what_a_person_starts_and_does_not_come_up_is_a_failure_like_any() -> None:
    host = host_of(replace(API, repair=()))
    host.stop("api.service", by="root")
    host.run(minutes=5)

    host.services["api.service"].sick = "status"
    host.start("api.service")
    host.run(minutes=1)
    early = list(host.told())
    host.run(minutes=2)

    assert early == []
    assert [one.title for one in host.told()] == ["[PAGE SEV2] web-1: api down, it is only watched"]


def test_a_storm_of_failures_that_somebody_causes_gets_no_more_restarts_than_the_budgets_allow() -> None:
    host = host_of(SLOW)
    storm = 0
    ends = host.now + timedelta(hours=26)

    while host.now < ends:
        if host.services["api.service"].is_ready(host.now):
            host.kill("api.service")
            storm += 1
        else:
            host.start("api.service")  # whoever wants restarts brings it back, to break it again
        host.run(seconds=200)

    restarts = host.services["api.service"].restarts
    assert storm > 200
    assert len(restarts) > 0
    for begin in restarts:
        within = [(at - begin) / timedelta(hours=1) for at in restarts if at >= begin]
        assert len([hours for hours in within if hours < 0.5]) <= 3
        assert len([hours for hours in within if hours < 24]) <= 8
    assert len(host.told("page")) < 30


def test_a_service_that_exits_143_when_it_is_stopped_is_not_started_again() -> None:
    host = host_of()

    host.stop("api.service", by="root", active_state="failed", sub_state="failed", result="exit-code")
    host.run(minutes=30)

    assert host.services["api.service"].restarts == []
    assert host.told() == []


def test_a_stop_in_mid_incident_takes_the_hands_off() -> None:
    host = host_of()
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=5)

    host.stop("api.service", by="root")
    host.run(minutes=20)

    assert len(host.services["api.service"].restarts) == 1
    assert host.incident.suppressed_by == "operator_stop"
    assert host.told() == []


def test_a_disabled_unit_that_was_never_active_since_boot_is_not_started() -> None:
    host = LiveHost(POLICY)
    conditions(host, booted_at=host.now - timedelta(hours=1))
    never = {"active_state": "inactive", "sub_state": "dead", "active_enter_at": None, "inactive_exit_at": None}
    host.serve("api.service")
    host.agent.state = type(host.agent.state)()
    host.change("api.service", unit_file_state="disabled", invocation_id="", **never)

    host.run(minutes=5)

    assert refusals(host)[0] == ("disabled", "api.service is disabled and was not active since boot")


def test_a_disabled_unit_that_ran_is_repaired_even_when_systemd_has_forgotten_that_it_ran() -> None:
    host = host_of()
    host.change("api.service", unit_file_state="disabled")

    forgotten = {"active_enter_at": None, "inactive_exit_at": None, "invocation_id": ""}
    host.change("api.service", active_state="inactive", sub_state="dead", **forgotten)
    host.run(minutes=2)

    assert len(host.services["api.service"].restarts) == 1


def test_what_ran_before_the_last_boot_is_no_sign_that_a_disabled_unit_is_wanted() -> None:
    host = host_of()
    conditions(host, booted_at=host.now)
    never = {"active_enter_at": None, "inactive_exit_at": None, "invocation_id": ""}

    host.change("api.service", unit_file_state="disabled", active_state="inactive", sub_state="dead", **never)
    host.run(minutes=10)

    assert host.services["api.service"].restarts == []


def test_systemds_own_restart_is_waited_for() -> None:
    host = host_of()

    host.change("api.service", active_state="activating", sub_state="auto-restart", result="signal")
    host.answers["api"] = lambda: Reading(status=Status.CRITICAL, message="refused", failure_class="refused")
    host.run(minutes=2)

    assert host.services["api.service"].restarts == []
    assert ("job", "systemd restarts api.service by itself") in refusals(host) or not host.agent.state.open_incidents


def test_a_pause_of_repairs_alone_still_pages() -> None:
    host = host_of()
    pause(pages=False)(host)

    host.kill("api.service")
    host.run(minutes=6)

    assert refusals(host)[0][0] == "quiet"
    assert [owed.kind for owed in host.told()] == ["page"]


def test_a_pause_of_pages_for_one_check_does_not_lift_the_pause_of_repairs_for_all() -> None:
    host = host_of()
    host.ask(cmd.Pause(by="anna", target="all", lasts=timedelta(hours=1), because="work"))
    pause(repairs=False)(host)

    host.kill("api.service")
    host.run(minutes=20)

    assert host.services["api.service"].restarts == []
    assert host.told() == []


def test_maintenance_without_repairs_lets_repairs_go_on() -> None:
    host = host_of(maintenance=(replace(QUIET_ALL_DAY, repairs=False),))

    host.kill("api.service")
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 1
    assert host.told() == []


def test_three_minutes_after_boot_the_hand_is_free_again() -> None:
    host = host_of()
    booted = host.now - timedelta(minutes=1)
    conditions(host, booted_at=booted)

    host.kill("api.service")
    host.run(minutes=5)

    began = host.services["api.service"].restarts[0]
    assert timedelta() <= began - (booted + timedelta(minutes=3)) < timedelta(seconds=1)


def test_on_an_overloaded_host_a_time_out_is_unknown_and_a_dead_process_still_counts() -> None:
    host = host_of()
    conditions(host, overload="CPU pressure 75 %")
    host.services["api.service"].sick = "timeout"
    host.run(minutes=3)
    assert host.services["api.service"].restarts == []
    assert all(one.blind or one.label is None for one in host.agent.state.incidents.values())
    blind = next(one for one in host.agent.state.incidents.values() if one.blind)
    assert (blind.cause, blind.certainty) == ("host-busy", "likely")
    assert blind.because == "the host is busy: CPU pressure 75 %"

    host.kill("api.service")
    host.run(seconds=5)

    assert len(host.services["api.service"].restarts) == 1


def test_two_minutes_after_the_overload_a_time_out_counts_again() -> None:
    host = host_of()
    conditions(host, overload="CPU pressure 75 %")
    host.services["api.service"].sick = "timeout"
    host.run(seconds=20)

    conditions(host)
    host.run(seconds=115)
    early = list(host.services["api.service"].restarts)
    host.run(seconds=30)

    assert early == []
    assert len(host.services["api.service"].restarts) == 1


def test_a_burst_that_ends_before_it_must_be_minded_leaves_no_trace_in_the_day() -> None:
    host = host_of(replace(API, hold=timedelta(minutes=15), repair=()))

    for _ in range(20):
        host.services["api.service"].sick = "status"
        host.run(minutes=2)
        host.services["api.service"].sick = ""
        host.run(minutes=2)

    assert host.events(ev.SuspectCleared)
    assert (host.events(ev.BlipSeen), host.events(ev.FlappingStarted), host.told()) == ([], [], [])


def test_flapping_for_an_hour_is_one_notice_no_repair_and_the_end_is_told() -> None:
    fast = replace(API, confirm=Confirm(failures=1, successes=1))
    host = host_of(fast)
    service = host.services["api.service"]
    for place in range(360):
        service.sick = "status" if place % 2 else ""
        host.run(seconds=10)
    while_flapping = list(service.restarts)
    notices = [owed.title for owed in host.told("notice")]
    service.sick = ""
    host.run(minutes=10)

    first = host.events(ev.FlappingStarted)
    assert len(first) == 1
    assert len(notices) == 1
    assert while_flapping == service.restarts
    assert all(at < host.recorded[0].at + timedelta(minutes=6) for at in while_flapping)
    assert len(host.told("notice")) == 2
    assert "steady again: ok" in host.told("notice")[1].title


def test_an_edited_unit_file_is_not_deployed_by_a_repair_of_what_still_runs() -> None:
    host = host_of()
    host.change("api.service", changed_since_start="/etc/systemd/system/api.service")
    host.services["api.service"].sick = "status"

    host.run(minutes=3)

    assert refusals(host)[0][0] == "change"
    assert "a restart would be a deploy" in refusals(host)[0][1]
    assert host.services["api.service"].restarts == []
    assert [owed.kind for owed in host.told()] == ["page"]


def test_what_a_guard_was_told_of_a_unit_stands_in_the_log_beside_its_refusal() -> None:
    host = host_of()
    host.services["api.service"].sick = "status"
    edited = "/etc/systemd/system/api.service"
    host.units["api.service"] = replace(host.units["api.service"], changed_since_start=edited)  # no signal tells

    host.run(minutes=3)

    (refused,) = host.events(ev.ActionRefused)
    assert refused.guard == "change"
    assert host.events(ev.UnitObserved)[-1].snapshot.changed_since_start == edited
    assert len(host.events(ev.UnitObserved)) == 2


def test_an_edited_unit_file_does_not_hold_back_the_repair_of_a_dead_service() -> None:
    host = host_of()
    host.change("api.service", need_daemon_reload=True)

    host.kill("api.service")

    assert len(host.services["api.service"].restarts) == 1 or host.run(seconds=5)
    assert len(host.services["api.service"].restarts) == 1


def test_what_has_just_started_is_given_its_time() -> None:
    host = host_of()
    host.start("api.service")
    host.services["api.service"].start_takes = timedelta(minutes=10)

    host.run(seconds=58)
    early = list(host.services["api.service"].restarts)
    host.run(seconds=20)

    assert early == []
    assert len(host.services["api.service"].restarts) == 1


def test_a_dependant_that_is_denied_holds_the_hand_back_from_its_root() -> None:
    host = host_of()
    host.serve("postgresql.service")
    host.change("api.service", also=("postgresql.service",))

    host.kill("api.service")

    assert refusals(host) == [("denied", "postgresql.service holds data and would be restarted too")]


def test_disk_is_freed_for_a_database_that_nobody_may_restart() -> None:
    database = replace(API, unit="postgresql.service", repair=(RemedyRule(do="reclaim"), RemedyRule(do="restart")))
    host = host_of(database)

    host.kill("postgresql.service")
    host.run(seconds=60)

    done = [(one.remedy, one.outcome) for one in host.incident.actions]
    assert done[:2] == [("reclaim", Outcome.FAILED), ("restart", Outcome.REFUSED)]
    assert host.incident.actions[0].reason.startswith("freed 1.2 GiB: 1.2 GiB of /var/log/app (3 files); ")
    assert host.services["postgresql.service"].restarts == []


def test_an_operators_stop_of_a_dependant_holds_the_hand_back_too() -> None:
    web = replace(API, name="web", unit="web.service")
    host = LiveHost(replace(POLICY, checks=(API, web)))
    host.serve("api.service")
    host.serve("web.service")
    host.change("api.service", also=("web.service",))
    host.run(seconds=60)
    host.stop("web.service", by="root")

    host.kill("api.service")
    host.run(minutes=5)

    api = host.agent.state.open_for("api.service")
    assert [one.guard for one in api.actions] == ["operator_stop"]


def test_a_persons_order_skips_the_wait_between_attempts_but_no_limit() -> None:
    host = host_of(per_unit=UnitBudget(waits=(timedelta(minutes=8), timedelta(minutes=8), timedelta(minutes=8))))
    service = host.services["api.service"]
    service.can_start = False
    host.kill("api.service")
    host.run(seconds=10)

    for _ in range(4):
        assert host.ask(cmd.RepairNow(by="anna", check="api")).accepted
        host.run(seconds=10)

    assert len(service.restarts) == 3
    assert host.incident.repair is Repair.EXHAUSTED


def test_a_person_chooses_among_the_allowed_remedies_only() -> None:
    host = host_of(replace(API, repair=(RemedyRule(do="restart"), RELOAD)))
    conditions(host, busy="apt holds dpkg's lock")
    host.kill("api.service")
    host.run(seconds=2)

    refused = host.ask(cmd.RepairNow(by="anna", check="api", remedy="command"))
    accepted = host.ask(cmd.RepairNow(by="anna", check="api", remedy="reload"))
    conditions(host)
    host.run(seconds=30)

    assert (refused.accepted, accepted.accepted) == (False, True)
    assert "restart, reload" in refused.text
    assert [one.remedy for one in host.events(ev.ActionRequested)][:1] == ["reload"]


def test_what_a_person_calls_a_unit_is_as_good_as_the_name_of_its_check() -> None:
    host = host_of(replace(API, name="health"))
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=2)

    paused = host.ask(cmd.Pause(by="anna", target="api", lasts=timedelta(hours=1), because="moving disks"))
    ended = host.ask(cmd.Resume(by="anna", target="api"))
    repaired = host.ask(cmd.RepairNow(by="anna", check="api"))

    assert paused.text.startswith("no pages and no repairs for api.service until")
    assert ended.text == "api.service is no longer paused"
    assert repaired.accepted, repaired.text


def test_an_order_to_repair_what_is_good_again_is_refused() -> None:
    host = host_of()
    host.kill("api.service")
    host.run(seconds=2)

    answer = host.ask(cmd.RepairNow(by="anna", check="api"))

    assert not answer.accepted


def test_a_command_needs_no_unit() -> None:
    sweep = RemedyRule(do="command", command=("/usr/local/bin/sweep",))
    disk = replace(API, name="root-disk", kind="disk", unit=None, repair=(sweep,))
    host = LiveHost(replace(POLICY, checks=(disk,)))
    host.answers["root-disk"] = lambda: Reading(status=Status.CRITICAL, message="97 % full", failure_class="full")

    host.run(minutes=1)

    assert [(one.remedy, one.command) for one in host.events(ev.ActionRequested)][:1] == [("command", sweep.command)]


def test_a_masked_unit_that_a_restart_would_drag_along_holds_it() -> None:
    host = host_of(API)
    host.serve("worker.service")
    host.change("worker.service", unit_file_state="masked-runtime")
    host.change("api.service", also=("worker.service",))

    host.services["api.service"].sick = "answered 500"
    host.run(minutes=1)

    assert host.services["api.service"].restarts == []
    assert host.agent.state.open_for("api.service").actions[-1].reason == "worker.service is masked"


def test_what_held_the_hand_once_is_not_said_when_it_is_over() -> None:
    host = host_of()
    conditions(host, hold="we move")
    host.kill("api.service")
    host.run(seconds=30)
    held = next(line for line in why.lines(host.agent.world(host.now), "api") if line.startswith("State: "))
    conditions(host)
    host.run(minutes=10)
    over = next(line for line in why.lines(host.agent.world(host.now), "api") if line.startswith("State: "))

    assert "we move" in held
    assert over.endswith("is resolved, repair idle")
