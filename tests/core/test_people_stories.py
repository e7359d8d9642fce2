"""Stories of people: who is told when, who is left in peace, and what taking an incident does."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import batch, inbox
from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.observation import Reading, Severity, Status, ok
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Criticality, Escalation, Level, Mode, NotifierPolicy, Policy
from opsagent.core.unit import HostConditions
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON
from tests.core.test_stories import API, SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

WATCHED = replace(API, repair=())
WATCHED_SLOWLY = replace(SLOW, repair=())
LEVELS = (
    Level(name="oncall", after=timedelta(), notify=("mail", "hook")),
    Level(name="lead", after=timedelta(minutes=30), notify=("phone",)),
)
NOTIFIERS = tuple(NotifierPolicy(name=name, kind="webhook") for name in ("mail", "hook", "phone"))


def policy_of(check: object = WATCHED, **more: object) -> Policy:
    return Policy(host="web-1", checks=(check,), notifiers=NOTIFIERS, escalation=Escalation(levels=LEVELS), **more)


def host_of(check: object = WATCHED, *, hour: int = 12, **more: object) -> LiveHost:
    host = LiveHost(policy_of(check, **more), now=NOON.replace(hour=hour))
    host.serve("api.service")
    host.run(seconds=60)
    return host


def paged_host(**more: object) -> LiveHost:
    host = host_of(**more)
    host.kill("api.service")
    return host


def ack(host: LiveHost, **more: object) -> None:
    assert host.ask(cmd.Acknowledge(by="anna", incident=host.incident.label, **more)).accepted


def minutes(host: LiveHost, *kinds: str) -> list[tuple[int, str]]:
    began = host.incident.first_bad_at
    return [(round((at - began) / timedelta(minutes=1)), o.notifier) for at, o in host.delivered if o.kind in kinds]


def test_the_levels_are_told_one_after_the_other_and_the_last_again_and_again_ever_more_slowly() -> None:
    host = paged_host()

    host.run(hours=4)

    assert minutes(host, "page") == [(0, "mail"), (0, "hook"), (30, "phone")]
    assert minutes(host, "reminder") == [(45, "phone"), (75, "phone"), (135, "phone"), (195, "phone")]


def test_a_sev1_is_told_at_once_while_the_repair_runs_beside_it() -> None:
    host = host_of(replace(API, criticality=Criticality.CRITICAL))

    host.kill("api.service")
    host.run(seconds=20)

    assert [owed.notifier for owed in host.told("page")] == ["mail", "hook"]
    assert len(host.services["api.service"].restarts) == 1


def test_a_sev2_waits_five_minutes_for_its_repair() -> None:
    host = host_of(API)
    host.conditions = HostConditions(busy="apt holds dpkg's lock")

    host.kill("api.service")
    host.run(minutes=4, seconds=55)
    assert host.told() == []
    host.run(seconds=10)

    assert [owed.reason for owed in host.told()] == ["not repaired within 5 min"] * 2


def test_a_sev2_is_told_at_once_when_nothing_can_be_tried() -> None:
    host = paged_host()

    assert [owed.kind for owed in host.told()] == ["page", "page"]


def test_a_sev3_is_told_by_day_only_and_so_are_its_reminders() -> None:
    host = host_of(replace(WATCHED_SLOWLY, criticality=Criticality.NORMAL), hour=18)
    host.kill("api.service")

    host.run(hours=20)

    hours = [at.hour for at, _ in host.delivered]
    assert hours[0] == 18
    assert all(8 <= hour < 20 for hour in hours)
    assert 8 in hours


def test_a_sev3_of_the_night_is_told_in_the_morning() -> None:
    host = host_of(replace(WATCHED_SLOWLY, criticality=Criticality.NORMAL), hour=3)
    host.kill("api.service")

    host.run(hours=6)

    assert {at.hour for at, owed in host.delivered if owed.notifier == "mail"} == {8}


def test_a_sev4_is_never_told() -> None:
    host = host_of(replace(WATCHED_SLOWLY, criticality=Criticality.LOW))
    host.kill("api.service")

    host.run(hours=30)

    assert host.incident.severity is Severity.SEV4
    assert host.told() == []


def test_a_confirmed_warning_is_neither_told_nor_repaired() -> None:
    host = host_of(API)
    host.answers["api"] = lambda: Reading(status=Status.WARNING, message="slow", failure_class="latency")

    host.run(hours=2)

    assert host.incident.severity is Severity.SEV4
    assert (host.told(), host.services["api.service"].restarts) == ([], [])


def test_after_a_time_of_sleep_one_level_is_told_and_then_waits_its_full_time() -> None:
    host = paged_host()

    host.sleep(hours=5)
    host.run(minutes=14)
    assert minutes(host, "page", "reminder")[2:] == [(300, "phone")]
    host.run(minutes=2)

    assert minutes(host, "reminder") == [(315, "phone")]


def test_taking_it_stops_the_escalation_and_the_hands() -> None:
    host = host_of(API)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=5)

    ack(host, lasts=timedelta(hours=5))
    host.run(hours=4)

    assert len(host.services["api.service"].restarts) == 1
    assert host.told("page") == []
    assert host.incident.state is Phase.ACKNOWLEDGED


def test_taking_it_and_letting_repairs_go_on() -> None:
    host = host_of(API)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=5)

    ack(host, keep_repairing=True)
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 3


def test_a_hold_is_reminded_of_five_minutes_before_its_end_and_then_the_same_level_is_told() -> None:
    host = paged_host()
    host.run(minutes=10)
    ack(host, lasts=timedelta(hours=2))

    host.run(hours=3)

    assert minutes(host, "reminder")[:2] == [(125, "mail"), (125, "hook")]
    assert minutes(host, "page")[2:] == [(130, "mail"), (130, "hook"), (160, "phone")]


def test_a_short_hold_is_not_reminded_of_at_its_very_begin() -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=4))

    host.run(minutes=3)

    assert host.told("reminder") == []


ACTS = [
    lambda label: cmd.Note(by="anna", incident=label, text="still at it"),
    lambda label: cmd.Resolve(by="anna", incident=label[-3:]),  # refused, for it still fails
    lambda _: cmd.RepairNow(by="anna", check="api"),  # refused, for nothing is armed
    lambda _: cmd.Pause(
        by="anna", target="api.service", lasts=timedelta(minutes=1), because="I try it", pages=False, repairs=True
    ),
]


@pytest.mark.parametrize("act", ACTS, ids=["note", "resolve", "repair", "pause"])
def test_any_act_of_its_holder_renews_the_hold(act: Callable[[str], cmd.Command]) -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=30))
    host.run(minutes=20)

    host.ask(act(host.incident.label))
    host.run(minutes=40)

    assert host.incident.state is Phase.ACKNOWLEDGED
    host.run(minutes=25)
    assert host.incident.state is Phase.PAGED


def test_an_act_while_it_is_good_for_a_moment_renews_the_hold_too() -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=30))
    host.run(minutes=27)
    host.start("api.service")
    host.run(minutes=1)
    assert host.incident.state is Phase.VERIFYING

    host.ask(cmd.Note(by="anna", incident=host.incident.label, text="it runs again"))
    host.run(minutes=1)
    host.kill("api.service")
    host.run(minutes=20)

    assert host.incident.state is Phase.ACKNOWLEDGED


def test_what_the_holder_does_elsewhere_does_not_renew_it() -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=30))
    host.run(minutes=20)

    host.ask(cmd.Pause(by="anna", target="all", lasts=timedelta(minutes=1), because="x", pages=False, repairs=True))
    host.run(minutes=20)

    assert host.incident.state is Phase.PAGED


def test_the_word_of_another_does_not_renew_it() -> None:
    host = paged_host()
    ack(host, lasts=timedelta(minutes=30))
    host.run(minutes=20)

    host.ask(cmd.Note(by="bert", incident=host.incident.label, text="what is it?"))
    host.run(minutes=20)

    assert host.incident.state is Phase.PAGED


def test_pages_on_their_way_are_called_off_when_somebody_takes_it() -> None:
    host = host_of()
    host.down = {"hook"}
    host.kill("api.service")

    ack(host)
    host.down.clear()
    host.run(minutes=20)

    assert [(owed.notifier, owed.kind) for owed in host.told()] == [("mail", "page")]
    assert host.agent.state.owed == {}


def test_a_receiver_that_is_down_for_a_while_gets_the_page_once_it_is_back() -> None:
    host = host_of()
    host.down = {"mail", "hook"}
    host.kill("api.service")
    host.run(minutes=10)
    assert host.told() == []

    host.down.clear()
    host.run(minutes=10)

    assert sorted(owed.notifier for owed in host.told("page")) == ["hook", "mail"]


def test_when_a_whole_level_cannot_be_reached_the_next_is_told_at_once() -> None:
    host = host_of()
    host.gone = {"mail", "hook"}

    host.kill("api.service")

    assert minutes(host, "page") == [(0, "phone")]


def test_what_one_notifier_loses_for_good_the_next_one_gets_at_once() -> None:
    host = host_of()
    host.gone = {"mail"}

    host.kill("api.service")

    assert minutes(host, "page") == [(0, "hook"), (0, "phone")]


def test_when_nobody_can_be_reached_the_journal_is_told_and_no_notifier_is_asked_for_ever() -> None:
    host = host_of()
    host.gone = {"mail", "hook", "phone"}

    host.kill("api.service")

    assert [owed.notifier for owed in host.told("page")] == ["journal"]
    queued = host.events(ev.NotificationQueued)
    assert len(queued) == len({one.key for one in queued})
    assert len(queued) <= 6


def test_every_message_has_a_key_of_its_own() -> None:
    host = paged_host(check=WATCHED_SLOWLY)
    host.run(minutes=50)
    for _ in range(3):
        ack(host, lasts=timedelta(minutes=7))
        host.run(minutes=30)
        host.ask(cmd.Pause(by="anna", target=host.incident.label, lasts=timedelta(minutes=20), because="lunch"))
        host.run(hours=1)
    host.services["api.service"].can_start = True
    host.start("api.service")
    host.run(minutes=10)
    host.kill("api.service")
    host.run(hours=1)

    keys = [one.key for one in host.events(ev.NotificationQueued)]

    assert len(keys) > 20
    assert len(keys) == len(set(keys))


def test_a_recovery_is_told_to_those_who_were_told_and_once() -> None:
    host = paged_host()
    host.run(minutes=10)

    host.start("api.service")
    host.run(minutes=20)

    assert sorted(owed.notifier for owed in host.told("recovery")) == ["hook", "mail"]


def test_what_healed_alone_is_told_to_nobody() -> None:
    host = host_of(API)

    host.kill("api.service")
    host.run(minutes=50)

    assert host.told() == []


def test_bad_again_after_people_were_told_it_was_good_pages_at_once() -> None:
    host = host_of(API)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(minutes=10)
    host.services["api.service"].can_start = True
    host.start("api.service")
    host.run(minutes=10)
    before = len(host.told("page"))

    host.kill("api.service")

    assert host.incident.reopened == 1
    assert len(host.told("page")) == before + 2


def test_bad_again_before_anybody_was_told_has_its_five_minutes_anew() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(minutes=20)

    host.kill("api.service")
    host.run(minutes=10)

    assert host.incident.reopened == 1
    assert len(host.services["api.service"].restarts) == 2
    assert host.told() == []


def test_bad_after_the_reopen_window_is_a_new_incident_that_names_the_old() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(minutes=50)
    old = host.agent.state.past[0].label

    host.kill("api.service")

    assert host.incident.recurrence_of == old
    assert host.incident.label != old


def test_a_person_cannot_resolve_what_still_fails() -> None:
    host = paged_host()

    answer = host.ask(cmd.Resolve(by="anna", incident=host.incident.label, because="looks fine"))

    assert not answer.accepted
    assert "--force" in answer.text
    assert host.incident.state is Phase.PAGED


def test_force_needs_a_reason_and_what_is_good_needs_none() -> None:
    host = paged_host()

    forced = host.ask(cmd.Resolve(by="anna", incident=host.incident.label, force=True))
    refused = host.incident.state
    host.start("api.service")
    host.run(seconds=30)
    plain = host.ask(cmd.Resolve(by="anna", incident=host.incident.label))

    assert (forced.accepted, refused) == (False, Phase.PAGED)
    assert (plain.accepted, host.incident.state) == (True, Phase.RESOLVED)


def test_resolved_by_force_it_reopens_at_the_next_bad_look_and_not_before() -> None:
    host = paged_host()

    host.ask(cmd.Resolve(by="anna", incident=host.incident.label, because="known", force=True))
    at_once = host.incident.state
    host.run(seconds=30)

    assert at_once is Phase.RESOLVED
    assert (host.incident.state, host.incident.reopened) == (Phase.PAGED, 1)


def test_a_snooze_keeps_quiet_until_its_end_and_then_the_first_level_is_told() -> None:
    host = paged_host()
    host.run(minutes=35)

    host.ask(cmd.Pause(by="anna", target=host.incident.label, lasts=timedelta(hours=2), because="known"))
    host.run(hours=1, minutes=55)
    quiet = len(host.told())
    host.run(minutes=10)

    assert quiet == 3
    assert [owed.notifier for owed in host.told()[quiet:]] == ["mail", "hook"]


def test_a_snooze_is_asked_for_by_a_short_label_and_ends_at_a_word() -> None:
    host = paged_host()
    label = host.incident.label.rpartition("-")[2]
    host.ask(cmd.Pause(by="anna", target=label, lasts=timedelta(hours=2), because="known"))
    host.run(minutes=30)
    quiet = len(host.told())

    answer = host.ask(cmd.Resume(by="anna", target=label))
    host.run(minutes=1)

    assert answer.text == f"{host.incident.label} is no longer quiet"
    assert [owed.notifier for owed in host.told()[quiet:]] == ["mail", "hook"]


def test_a_snooze_outlasts_a_moment_of_health() -> None:
    host = paged_host()
    host.ask(cmd.Pause(by="anna", target=host.incident.label, lasts=timedelta(hours=2), because="known"))
    host.start("api.service")
    host.run(minutes=2)
    assert host.incident.state is Phase.VERIFYING

    host.kill("api.service")
    host.run(minutes=30)

    assert host.incident.state is Phase.SNOOZED
    host.run(hours=2)
    assert len(host.told("page")) > 2


def test_no_sev1_is_kept_quiet_for_longer_than_an_hour() -> None:
    host = paged_host(check=replace(WATCHED, criticality=Criticality.CRITICAL))

    answer = host.ask(cmd.Pause(by="anna", target=host.incident.label, lasts=timedelta(hours=2), because="known"))

    assert not answer.accepted
    assert "cannot keep a SEV1 quiet for longer than 1h" in answer.text


def test_what_turns_out_worse_is_told_again_and_never_later_than_planned() -> None:
    host = paged_host()
    host.run(minutes=20)
    planned = host.incident.next_level_at

    host.answers["api"] = lambda: Reading(
        status=Status.CRITICAL, message="disk gone", failure_class="status", severity=Severity.SEV1
    )
    host.run(seconds=30)

    assert host.incident.severity is Severity.SEV1
    assert len(host.told("page")) == 4
    assert host.incident.next_level_at <= planned


def test_who_stops_and_starts_a_unit_by_hand_is_not_paged_for_every_try() -> None:
    host = paged_host()
    host.run(seconds=30)
    host.services["api.service"].start_takes = timedelta(seconds=5)

    for _ in range(4):
        host.stop("api.service")
        host.run(seconds=2)
        host.start("api.service")
        host.run(seconds=2)
    host.run(minutes=3)

    assert [owed.notifier for owed in host.told("page")] == ["mail", "hook"]


def test_what_still_fails_a_minute_after_an_operator_started_it_goes_on_being_told() -> None:
    host = paged_host()
    host.run(minutes=20)
    host.stop("api.service")
    host.run(hours=2)
    told = len(host.told("page"))

    host.services["api.service"].sick = "answers nothing"
    host.start("api.service")
    host.run(seconds=50)
    assert len(host.told("page")) == told

    host.run(seconds=30)
    assert [owed.notifier for owed in host.told("page")[told:]] == ["phone"]


def test_a_check_that_is_gone_from_the_settings_withdraws_its_incident() -> None:
    host = paged_host()
    seq = host.incident.seq

    host.take(inbox.SettingsRead(policy=replace(host.agent.policy, checks=()), digest="new", text=""))

    assert seq not in host.agent.state.incidents
    assert [one.reason for one in host.events(ev.IncidentWithdrawn)] == ["its check is no longer in the settings"]


def test_who_was_paged_is_told_that_the_incident_is_withdrawn_and_nobody_else() -> None:
    host = paged_host()
    label = host.incident.label

    host.take(inbox.SettingsRead(policy=replace(host.agent.policy, checks=()), digest="new", text=""))
    host.run(minutes=2)

    told = host.told("recovery")
    assert [one.notifier for one in told] == ["mail", "hook"]
    assert told[0].title == "[WITHDRAWN SEV2] web-1: api is no longer looked at, open for 0 s"
    assert label in told[0].body


def test_a_page_that_was_still_on_its_way_does_not_arrive_after_the_incident_was_withdrawn() -> None:
    host = host_of()
    host.down = {"mail", "hook"}
    host.kill("api.service")
    host.run(minutes=1)

    host.take(inbox.SettingsRead(policy=replace(host.agent.policy, checks=()), digest="new", text=""))
    host.down = set()
    host.run(minutes=10)

    assert host.delivered == []
    assert host.agent.state.owed == {}
    assert [one.reason for one in host.events(ev.NotificationExpired)] == ["withdrawn before it was delivered"] * 2


def test_what_became_of_a_message_is_known_also_when_its_incident_was_closed_before() -> None:
    host = paged_host()
    host.run(seconds=30)
    seq, host.down = host.incident.seq, {"hook"}
    host.start("api.service")
    host.run(minutes=50)
    closed = host.agent.state.incident(seq)
    assert closed is not None
    assert closed.state is Phase.CLOSED
    assert [one.state for one in closed.told if one.kind == "recovery"] == ["sent", "pending"]

    host.down = set()
    host.run(minutes=6)

    assert host.agent.state.farewells == {}
    last = batch.projections(host.recorded)[-1]
    assert [one["state"] for one in json.loads(last.json)["notifications"]] == ["sent"] * 4
    assert last.state == "closed"


def test_three_looks_that_could_not_look_tell_a_person_by_day_and_repair_nothing() -> None:
    host = host_of(replace(API, criticality=Criticality.CRITICAL))
    host.answers["api"] = lambda: Reading(status=Status.UNKNOWN, message="no rights", failure_class="rights")

    host.run(minutes=5)

    assert host.incident.blind
    assert host.incident.severity is Severity.SEV3
    assert host.services["api.service"].restarts == []
    assert [owed.notifier for owed in host.told("page")] == ["mail", "hook"]

    host.answers["api"] = lambda: ok("200")
    host.run(minutes=10)

    assert [owed.notifier for owed in host.told("recovery")] == ["mail", "hook"]


def test_a_check_of_little_worth_that_cannot_look_is_left_to_the_digest() -> None:
    host = host_of(API)
    host.answers["api"] = lambda: Reading(status=Status.UNKNOWN, message="no rights", failure_class="rights")

    host.run(minutes=30)

    assert host.incident.severity is Severity.SEV4
    assert host.told() == []


def test_maintenance_keeps_people_quiet_and_tells_them_at_its_end() -> None:
    host = host_of()
    host.ask(cmd.Pause(by="anna", target="api", lasts=timedelta(hours=1), because="deploy", repairs=False))
    host.kill("api.service")
    host.run(minutes=55)
    assert (host.told(), host.incident.suppressed_by) == ([], "pause")

    host.run(minutes=10)

    assert [owed.notifier for owed in host.told("page")] == ["mail", "hook"]


def test_who_was_paged_before_a_pause_is_told_again_after_it_at_the_same_level() -> None:
    host = paged_host()
    host.run(minutes=10)
    host.ask(cmd.Pause(by="anna", target="api", lasts=timedelta(hours=1), because="deploy"))
    host.run(hours=1, minutes=5)

    assert minutes(host, "page") == [(0, "mail"), (0, "hook"), (70, "mail"), (70, "hook")]
    assert host.incident.repair is Repair.IDLE


def test_with_nobody_named_the_journal_is_told() -> None:
    host = LiveHost(Policy(host="web-1", checks=(WATCHED,)))
    host.serve("api.service")
    host.run(seconds=60)

    host.kill("api.service")

    assert [owed.notifier for owed in host.told("page")] == ["journal"]


def test_when_a_hold_ends_the_hands_are_free_again_at_once() -> None:
    host = host_of(API)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=5)
    ack(host, lasts=timedelta(hours=1))
    host.run(minutes=59)
    host.services["api.service"].can_start = True

    host.run(minutes=1, seconds=10)

    assert len(host.services["api.service"].restarts) == 2


def test_a_pause_always_has_an_end_that_is_to_come() -> None:
    host = host_of()

    answer = host.ask(cmd.Pause(by="anna", target="api", lasts=timedelta(), because="work"))

    assert not answer.accepted


def test_who_holds_what_turns_out_worse_is_told_and_holds_it_for_a_shorter_time() -> None:
    host = paged_host()
    ack(host, lasts=timedelta(hours=5))
    host.run(minutes=10)

    host.answers["api"] = lambda: Reading(
        status=Status.CRITICAL, message="disk gone", failure_class="status", severity=Severity.SEV1
    )
    host.run(seconds=30)
    told = host.told("reminder")
    host.run(minutes=30)

    assert ["SEV1" in owed.title for owed in told] == [True, True]
    assert len(host.told("reminder")) == 4
    assert host.incident.state is Phase.PAGED


def test_what_was_about_to_be_told_again_is_not_when_somebody_takes_it_first() -> None:
    host = host_of(replace(WATCHED_SLOWLY, criticality=Criticality.NORMAL), hour=18)
    host.kill("api.service")
    host.run(minutes=1)
    host.ask(cmd.Pause(by="anna", target=host.incident.label, lasts=timedelta(hours=4), because="known"))
    host.run(hours=5)
    before = len(host.told())

    ack(host, lasts=timedelta(hours=20))
    host.run(hours=12)

    assert len(host.told()) == before


def test_a_hold_stops_hands_and_not_pages() -> None:
    host = host_of(API)
    host.conditions = HostConditions(hold="root says so")

    host.kill("api.service")
    host.run(seconds=5)

    assert host.incident.suppressed_by == "hold"
    assert [owed.reason for owed in host.told("page")] == ["HOLD: root says so"] * 2


def test_in_observe_mode_people_are_told_at_once_for_nobody_else_will_act() -> None:
    host = host_of(API, mode=Mode.OBSERVE)

    host.kill("api.service")

    assert len(host.told("page")) == 2
    assert host.services["api.service"].restarts == []


def test_a_severity_may_have_levels_of_its_own() -> None:
    crisis = (Level(name="everyone", after=timedelta(), notify=("mail", "hook", "phone")),)
    own = Escalation(levels=LEVELS, by_severity=((Severity.SEV1, crisis),))
    host = LiveHost(replace(policy_of(replace(WATCHED, criticality=Criticality.CRITICAL)), escalation=own))
    host.serve("api.service")
    host.run(seconds=60)

    host.kill("api.service")

    assert minutes(host, "page") == [(0, "mail"), (0, "hook"), (0, "phone")]


def test_who_takes_what_another_has_hears_of_it() -> None:
    host = paged_host()
    ack(host)

    answer = host.ask(cmd.Acknowledge(by="ben", incident=host.incident.label))

    assert answer.accepted
    assert "(anna had it)" in answer.text
    assert "had it" not in host.ask(cmd.Acknowledge(by="ben", incident=host.incident.label)).text


def test_the_archive_names_one_cause_although_it_was_bad_again_in_another_way() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(seconds=45)
    api = host.services["api.service"]
    api.sick = "status"
    assert host.run(until=lambda: len(api.restarts) == 2, minutes=4)
    api.sick = ""
    host.run(minutes=2)

    seen = host.events(ev.PatternSeen)
    assert seen[-1].resolution.endswith("(attempt 2)")
    assert {(one.fingerprint.rpartition("|")[2], one.cause) for one in seen} == {("signal", "signal")}
