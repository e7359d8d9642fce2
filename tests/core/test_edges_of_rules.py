"""Where a rule ends: each of these is one comparison, and the opposite would look as right."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, shift
from opsagent.core.fold import replay
from opsagent.core.health import Health, shifted
from opsagent.core.looks import overloaded
from opsagent.core.observation import Reading, Status
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Confirm, Criticality, Escalation, Level, NotifierPolicy, UnitBudget
from opsagent.core.recovery import good_since
from opsagent.core.state import Heal, State
from opsagent.core.unit import HostConditions, StopSeen
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON, StoryHost
from tests.core.test_repair_stories import CALM
from tests.core.test_stories import API, POLICY


def host_of_two() -> LiveHost:
    redis = replace(CALM, name="redis", kind="listen", unit="redis.service")
    host = LiveHost(replace(POLICY, checks=(CALM, redis)))
    host.serve("api.service")
    host.serve("redis.service")
    host.change("redis.service", also=("api.service",))
    host.run(seconds=60)
    return host


def test_a_root_waits_when_what_its_restart_drags_along_has_had_its_share() -> None:
    host = host_of_two()
    for _ in range(3):
        host.kill("api.service")
        host.run(minutes=2)
    assert len(host.services["api.service"].restarts) == 3

    host.kill("redis.service")
    host.run(minutes=1)

    assert host.services["redis.service"].restarts == []
    assert "api.service: 3 repairs" in host.agent.state.open_for("redis.service").repair_reason


def test_a_pause_of_a_unit_holds_hands_and_pages_as_one_of_its_check() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.run(seconds=60)
    host.ask(cmd.Pause(by="anna", target="api.service", lasts=timedelta(minutes=20), because="work"))

    host.kill("api.service")
    host.run(minutes=15)
    assert (host.services["api.service"].restarts, host.told()) == ([], [])
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 1


def test_what_was_good_since_its_start_is_not_just_starting() -> None:
    check = replace(API, every=timedelta(seconds=2), confirm=Confirm(retry=timedelta(seconds=1)))
    host = LiveHost(replace(POLICY, checks=(check,)))
    host.serve("api.service")
    host.start("api.service")
    host.run(seconds=10)

    host.services["api.service"].sick = "status"
    host.run(seconds=15)

    assert len(host.services["api.service"].restarts) == 1
    assert [one.outcome for one in host.incident.actions if one.guard] == []


def test_the_next_slow_try_is_not_before_the_limit_is_free() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,), per_unit=UnitBudget(attempts=3, within=timedelta(hours=3))))
    host.serve("api.service")
    host.run(seconds=60)
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=15)

    first, *_ = host.services["api.service"].restarts
    assert len(host.services["api.service"].restarts) == 3
    assert host.incident.next_repair_at >= first + timedelta(hours=3)


def test_a_suspect_that_was_read_back_is_not_cleared_before_its_check_has_looked() -> None:
    before = StoryHost(POLICY)
    before.bad("api")
    state, _ = replay(State(), before.recorded)

    host = StoryHost(POLICY, now=before.now + timedelta(seconds=5), state=state)
    host.log.rows = list(before.log.rows)
    host.take(inbox.Started(version="1", pid=2))

    assert host.incident.state is Phase.SUSPECT
    assert host.events(ev.SuspectCleared) == []


def test_a_relapse_late_in_the_reopen_window_is_the_same_incident_with_evidence_of_its_own() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    assert host.run(minutes=20, until=lambda: host.incident.state is Phase.RESOLVED)

    host.run(minutes=28)
    host.kill("api.service")

    assert (len(host.agent.state.incidents), host.incident.reopened) == (1, 1)
    assert [one.reopened for one in host.orders.investigated] == [0, 1]


def test_after_a_start_nobody_resolves_what_failed_when_it_was_last_seen() -> None:
    before = StoryHost(POLICY)
    for _ in range(3):
        before.pass_(seconds=10)
        before.bad("api")
    state, _ = replay(State(), before.recorded)

    host = StoryHost(POLICY, now=before.now + timedelta(seconds=5), state=state)
    host.log.rows = list(before.log.rows)
    answer = host.ask(cmd.Resolve(by="anna", incident=host.incident.label, because="looks fine"))

    assert not answer.accepted
    assert "still fails" in answer.text


def test_a_clock_that_was_set_moves_every_moment_of_a_health() -> None:
    moments = {one.name for one in fields(Health) if "datetime" in str(one.type)}
    health = Health(check="api", **dict.fromkeys(moments, NOON))

    moved = shifted(health, timedelta(hours=-1))

    assert {name: getattr(moved, name) for name in moments} == dict.fromkeys(moments, NOON - timedelta(hours=1))


def host_of_two_judges() -> StoryHost:
    """Return a host on which one unit has two checks, both bad and confirmed."""
    other = replace(API, name="api-page")
    host = StoryHost(replace(POLICY, checks=(replace(API, repair=()), replace(other, repair=()))))
    for _ in range(3):
        host.pass_(seconds=10)
        host.bad("api")
        host.bad("api-page")
    return host


def test_what_two_checks_judge_is_good_since_the_later_of_them_is() -> None:
    host = host_of_two_judges()
    host.good("api")
    first = host.now
    host.pass_(minutes=4)
    host.good("api-page")
    second = host.now

    for _ in range(28):
        host.pass_(seconds=10)
        host.good("api")
        host.good("api-page")
    early = host.incident.state
    host.pass_(seconds=20)
    host.good("api")
    host.good("api-page")

    assert first < second == host.incident.mitigated_at
    assert good_since(host.agent.world(host.now), host.agent.policy.checks) == second
    assert (early, host.incident.state) == (Phase.VERIFYING, Phase.RESOLVED)


def test_a_hold_is_announced_to_its_end_reminded_as_such_and_over_at_that_very_moment() -> None:
    host = LiveHost(replace(POLICY, checks=(replace(CALM, repair=()),)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=6)

    answer = host.ask(cmd.Acknowledge(by="anna", incident=host.incident.label, lasts=timedelta(minutes=30)))
    until = host.now + timedelta(minutes=30)
    host.run(until=lambda: bool(host.told("reminder")), minutes=29)
    reminder = host.told("reminder")[0]

    assert f"is yours until {until:%Y-%m-%d %H:%M}" in answer.text
    assert "your hold ends" in reminder.title
    host.now = until
    host.take()
    assert host.incident.state is not Phase.ACKNOWLEDGED


def test_an_overload_counts_for_less_than_120_s() -> None:
    host = StoryHost(POLICY)
    host.take(inbox.HostSeen(conditions=HostConditions(overload="CPU pressure 75 %")))
    host.take(inbox.HostSeen(conditions=HostConditions()))

    host.pass_(seconds=119.9)
    before = overloaded(host.agent.world(host.now))
    host.pass_(seconds=0.1)

    assert before
    assert overloaded(host.agent.world(host.now)) == ""


def test_settings_are_recorded_when_they_are_new_and_when_old_ones_are_good_again() -> None:
    host = StoryHost(POLICY)
    read = inbox.SettingsRead(policy=POLICY, digest="a", text="")

    host.take(read)
    host.take(read)
    host.take(inbox.SettingsRead(policy=POLICY, digest="b", text=""))
    host.take(inbox.SettingsWrong(errors=("opsagent.yaml:1: cannot read this",)))
    host.take(inbox.SettingsRead(policy=POLICY, digest="b", text=""))

    assert [event.digest for event in host.events(ev.SettingsApplied)] == ["a", "b", "b"]


def test_the_dead_man_is_recorded_when_his_answer_changes_and_else_once_in_a_heartbeats_time() -> None:
    host = StoryHost(POLICY)

    for said in ("", "", "it answered 500", "it answered 502"):
        host.take(inbox.LifeSigned(said=said))
        host.pass_(minutes=1)
    host.pass_(minutes=27)
    host.take(inbox.LifeSigned(said="late"))
    host.pass_(minutes=1)
    host.take(inbox.LifeSigned(said="later"))

    assert [event.said for event in host.events(ev.DeadManHeard)] == ["", "it answered 500", "later"]


def test_while_nothing_listens_after_a_start_it_is_looked_at_five_times_a_second_and_no_oftener() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", start_takes=timedelta(seconds=40))
    host.run(seconds=60)
    host.kill("api.service")
    host.run(seconds=5)
    looks = []
    refused = Reading(status=Status.CRITICAL, message="connection refused", failure_class="refused")
    host.answers["api"] = lambda: looks.append(host.now) or refused

    host.run(seconds=10)

    assert len(host.services["api.service"].restarts) == 1
    assert 45 <= len(looks) <= 51


def test_of_three_levels_each_is_told_after_its_own_time_and_at_that_very_moment() -> None:
    levels = tuple(
        Level(name=name, after=timedelta(minutes=after), notify=(name,))
        for name, after in (("oncall", 0), ("lead", 30), ("boss", 50))
    )
    notifiers = tuple(NotifierPolicy(name=level.name, kind="webhook") for level in levels)
    watched = replace(CALM, repair=(), criticality=Criticality.CRITICAL)
    host = LiveHost(
        replace(POLICY, checks=(watched,), notifiers=notifiers, escalation=Escalation(levels=levels)),
    )
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")

    paged = [host.now]
    for _ in range(2):
        paged.append(host.incident.next_level_at)
        host.run(seconds=(paged[-1] - host.now).total_seconds() - 1)
        host.now = paged[-1]
        host.take()
        host.run(seconds=0.1)

    assert [later - earlier for earlier, later in pairwise(paged)] == [timedelta(minutes=30), timedelta(minutes=20)]
    assert [owed.notifier for owed in host.told("page")] == ["oncall", "lead", "boss"]


def test_a_test_goes_to_all_notifiers_or_to_the_one_that_is_named_and_known() -> None:
    two = (NotifierPolicy(name="hook", kind="webhook"), NotifierPolicy(name="mail", kind="webhook"))
    host = StoryHost(replace(POLICY, notifiers=two))

    answers = [host.ask(cmd.TestNotifier(by="anna", notifier=name)) for name in ("", "mail", "pager")]

    assert [answer.accepted for answer in answers] == [True, True, False]
    assert [event.notifier for event in host.events(ev.NotificationQueued)] == ["hook", "mail", "mail"]


def test_nobody_takes_an_incident_for_no_time() -> None:
    host = host_of_two_judges()

    answer = host.ask(cmd.Acknowledge(by="anna", incident=host.incident.label, lasts=timedelta()))

    assert not answer.accepted
    assert host.incident.acknowledged_by == ""


def test_a_clock_that_was_set_moves_what_was_healed() -> None:
    heal = Heal(unit="api.service", at=NOON, incident=1)

    moved = shift.shifted(State(heals=(heal,)), timedelta(hours=-1))

    assert moved.heals == (replace(heal, at=NOON - timedelta(hours=1)),)


def test_a_heartbeat_counts_each_check_once() -> None:
    host = host_of_two_judges()
    host.good("api")

    host.take(inbox.Beat(late=0, seconds=1))

    [beat] = host.events(ev.HeartbeatDone)
    assert (beat.good, beat.bad, beat.blind) == (0, 2, 0)


def test_a_relapse_after_the_reopen_window_is_another_incident() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=20, until=lambda: host.incident.state is Phase.RESOLVED)

    host.now = host.incident.resolved_at + timedelta(minutes=30)
    host.take()
    host.kill("api.service")

    assert len(host.events(ev.IncidentConfirmed)) == 2
    assert host.events(ev.IncidentReopened) == []


def test_a_stop_of_which_one_hears_when_it_runs_again_is_over() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service")
    stop = StopSeen(unit="api.service", at=host.now - timedelta(hours=2), by="anna")

    host.take(inbox.UnitSeen(snapshot=host.units["api.service"], stops=(stop,)))

    assert host.events(ev.OperatorStopped) == []


def test_the_first_look_after_an_order_comes_after_100_ms_and_the_next_ever_more_slowly() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", start_takes=timedelta(seconds=40))
    host.run(seconds=60)
    looks = []
    bad = Reading(status=Status.CRITICAL, message="answered 503", failure_class="status")
    host.answers["api"] = lambda: looks.append(host.now) or bad
    host.kill("api.service")

    host.run(seconds=3)

    ended = host.incident.running.ended_at
    after = [round((at - ended).total_seconds(), 1) for at in looks if at > ended]
    assert after[:5] == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_while_it_is_proven_it_is_looked_at_at_the_pace_of_a_retry() -> None:
    slow = replace(API, every=timedelta(minutes=1), confirm=Confirm(retry=timedelta(seconds=10)))
    host = LiveHost(replace(POLICY, checks=(slow,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")

    host.run(minutes=20, until=lambda: host.incident.state is Phase.RESOLVED)

    [resolved] = host.events(ev.IncidentResolved)
    assert resolved.proof[0].looks >= 30


def test_who_has_had_its_share_of_the_hosts_repairs_is_given_up_and_told() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,), per_unit=UnitBudget(attempts=9)))
    host.serve("api.service")
    host.run(seconds=60)
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=15)

    assert len(host.services["api.service"].restarts) == 3
    assert (host.incident.repair, host.incident.state) == (Repair.EXHAUSTED, Phase.PAGED)
    assert "has had its 3 of the host's 6 repairs" in host.incident.repair_reason


def test_what_cannot_be_delivered_is_tried_again_after_5_15_45_120_and_then_every_300_s() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.down = {"hook"}
    host.ask(cmd.TestNotifier(by="anna", notifier="hook"))

    for _ in range(6):
        host.run(seconds=0.1)
        host.now = next(iter(host.agent.state.owed.values())).next_at
        host.take()

    failed = [one for one in host.recorded if isinstance(one.event, ev.NotificationFailed)]
    waits = [(one.event.next_at - one.at).total_seconds() for one in failed]
    assert waits[:6] == [5, 15, 45, 120, 300, 300]
