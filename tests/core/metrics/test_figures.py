"""The figures say what the story was: incidents, repairs, budget, messages, looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import inbox, metrics
from opsagent.core.metrics import tally
from opsagent.core.observation import Observation, Reading, Status, ok, unknown
from opsagent.core.policy import CheckPolicy, Escalation, Level, Mode
from tests.core.live_host import LiveHost
from tests.core.metrics.telling import counted, figures, number
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import POLICY


def repaired_host() -> LiveHost:
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=10)
    return host


def test_a_repair_that_held_is_counted_with_its_incident_and_takes_from_the_budget() -> None:
    told = figures(repaired_host())

    assert number(told, "opsagent_repairs_total", remedy="restart", outcome="verified") == 1
    assert number(told, "opsagent_repairs_total", remedy="restart", outcome="failed") == 0
    assert number(told, "opsagent_incidents_opened_total", severity="SEV2") == 1
    assert number(told, "opsagent_incidents_resolved_total", severity="SEV2") == 1
    assert number(told, "opsagent_incidents_open", severity="SEV2") == 0
    assert number(told, "opsagent_pages_total", severity="SEV2") == 0
    assert number(told, "opsagent_host_budget_remaining") == 5
    assert number(told, "opsagent_unit_budget_remaining", unit="api.service") == 2


def test_the_budget_that_is_left_is_what_the_guards_still_allow() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", can_start=False)
    host.run(seconds=60)
    assert number(figures(host), "opsagent_unit_budget_remaining", unit="api.service") == 3

    host.kill("api.service")
    host.run(minutes=20)

    told = figures(host)
    assert len(host.services["api.service"].restarts) == 3
    assert number(told, "opsagent_unit_budget_remaining", unit="api.service") == 0
    assert number(told, "opsagent_host_budget_remaining") == 3
    assert number(told, "opsagent_incidents_need_person") == 1
    host.now += timedelta(hours=25)
    assert number(figures(host), "opsagent_host_budget_remaining") == 6


def test_a_page_that_waits_is_in_the_outbox_with_its_age_and_is_counted_once_delivered() -> None:
    everyone = Level(name="everyone", after=timedelta(), notify=("hook",))
    host = LiveHost(replace(POLICY, escalation=Escalation(levels=(everyone,))))
    host.serve("api.service", can_start=False)
    host.down.add("hook")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=15)

    told = figures(host)
    assert number(told, "opsagent_outbox_messages") == len(host.agent.state.owed) > 0
    waited = number(told, "opsagent_outbox_oldest_age_seconds")
    oldest = min(owed.queued_at for owed in host.agent.state.owed.values())
    assert waited == pytest.approx((host.now - oldest).total_seconds())
    assert number(told, "opsagent_notifications_total", notifier="hook", state="sent") == 0

    host.down.clear()
    host.run(minutes=20)

    told = figures(host)
    assert number(told, "opsagent_outbox_messages") == 0
    assert number(told, "opsagent_outbox_oldest_age_seconds") == 0
    assert (number(told, "opsagent_notifications_total", notifier="hook", state="sent") or 0) >= 1
    assert number(told, "opsagent_notifier_last_success_timestamp_seconds", notifier="hook")


def test_a_check_has_exactly_one_status_and_is_unknown_before_its_first_look() -> None:
    host = StoryHost(POLICY)
    statuses = {"ok", "warning", "critical", "unknown"}

    def held() -> set[str]:
        told = figures(host)
        return {one for one in statuses if number(told, "opsagent_check_status", check="api", status=one) == 1}

    assert held() == {"unknown"}
    assert number(figures(host), "opsagent_check_last_look_timestamp_seconds", check="api") is None
    host.good("api")
    assert held() == {"ok"}
    assert number(figures(host), "opsagent_check_last_look_timestamp_seconds", check="api") == NOON.timestamp()
    for _ in range(3):
        host.pass_(seconds=5)
        host.bad("api")
    assert held() == {"critical"}


def test_looks_fall_into_buckets_that_add_up() -> None:
    counts = metrics.Tally()
    for seconds in (0.0, 0.005, 0.0051, 3.0, 60.0):
        counts = tally.looked(counts, Observation(check="api", reading=ok("fine"), at=NOON, seconds=seconds))
    counts = tally.looked(counts, Observation(check="api", reading=unknown("?"), at=NOON, seconds=0.02))

    told = figures(StoryHost(POLICY), counts)

    def upto(le: str) -> float | None:
        return number(told, "opsagent_check_latency_seconds_bucket", check="api", le=le)

    assert [upto(end) for end in ("0.005", "0.01", "0.025", "2.5", "5", "10", "+Inf")] == [2, 3, 4, 4, 5, 5, 6]
    assert number(told, "opsagent_check_latency_seconds_count", check="api") == 6
    assert number(told, "opsagent_check_latency_seconds_sum", check="api") == pytest.approx(63.0301)
    assert number(told, "opsagent_check_looks_total", check="api", status="ok") == 5
    assert number(told, "opsagent_check_looks_total", check="api", status="unknown") == 1


def test_what_is_wrong_with_us_is_a_number_each() -> None:
    host = StoryHost(replace(POLICY, mode=Mode.OBSERVE))
    host.take(inbox.Started(version="1.2.3", pid=1), inbox.SettingsRead(policy=host.agent.policy, digest="a", text=""))
    host.take(inbox.Beat(late=0.0, seconds=2.5))
    host.take(inbox.SettingsWrong(errors=("a.yaml:1: cannot use 5",)), inbox.RightsSeen(lacking="the rule is stale"))
    host.now += timedelta(minutes=31)

    told = figures(host)

    assert number(told, "opsagent_build_info", version="1.2.3") == 1
    assert number(told, "opsagent_settings_last_reload_successful") == 0
    assert number(told, "opsagent_settings_last_reload_success_timestamp_seconds") == NOON.timestamp()
    assert number(told, "opsagent_rights_fit") == 0
    assert number(told, "opsagent_mode", mode="observe") == 1
    assert number(told, "opsagent_mode", mode="auto") == 0
    assert number(told, "opsagent_heartbeat_lag_seconds") == 60
    assert number(told, "opsagent_heartbeat_duration_seconds") == 2.5
    assert number(told, "opsagent_heartbeats_total") == 1
    assert number(told, "opsagent_running") == 1
    host.take(inbox.Stopping(reason="asked to stop"))
    assert number(figures(host), "opsagent_running") == 0


def test_a_check_that_left_the_settings_leaves_the_figures() -> None:
    gone = Observation(check="gone", reading=ok("fine"), at=NOON, seconds=0.1)

    told = figures(StoryHost(POLICY), tally.looked(metrics.Tally(), gone))

    assert not [s for family in told for s in family.samples if ("check", "gone") in s.labels]


def test_no_label_is_a_text_of_others() -> None:
    host = StoryHost(replace(POLICY, checks=(*POLICY.checks, CheckPolicy(name="disk", kind="disk"))))
    hostile = 'x"} 1\nopsagent_forged 7'
    for _ in range(3):
        host.pass_(seconds=5)
        host.look("disk", Reading(status=Status.CRITICAL, message=hostile, failure_class=hostile))

    told = figures(host, counted(host))

    assert number(told, "opsagent_check_status", check="disk", status="critical") == 1
    assert not [v for family in told for s in family.samples for _, v in s.labels if "forged" in v]
