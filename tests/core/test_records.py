"""What every incident and action leaves behind: who did it, in three records, once in the story of the day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core.fold import fold
from opsagent.core.phase import Outcome
from opsagent.core.policy import CheckPolicy, Criticality, Mode
from opsagent.core.report.daily import entries
from opsagent.core.state import State
from tests.core.test_root_stories import API, NEEDY, REDIS, host_of

if TYPE_CHECKING:
    from tests.core.live_host import LiveHost

RUNNER = CheckPolicy(
    name="ci-runner",
    kind="unit",
    unit="actions.runner.service",
    repair=API.repair,
    criticality=Criticality.IMPORTANT,
)


@cache
def a_bad_day() -> LiveHost:
    """A service that is healed, then cannot start for hours, and one that needs another."""
    host = host_of(NEEDY, REDIS, RUNNER)
    host.kill("actions.runner.service")
    host.run(minutes=5)
    host.services["redis.service"].can_start = False
    host.kill("redis.service")
    host.run(minutes=70)
    host.services["redis.service"].can_start = True
    host.run(hours=2)
    return host


def day_of(host: LiveHost) -> str:
    state, told = State(), []
    for one in host.recorded:
        before, state = state, fold(state, one)
        told += [entry.text for entry in entries(before, state, one)]
    return "\n".join(told)


def test_every_record_says_who_did_it() -> None:
    host = a_bad_day()

    assert {row.actor for row in host.log.rows} == {"opsagent"}
    assert {row.host for row in host.log.rows} == {"web-1"}


def test_every_action_is_planned_carried_out_and_proven_in_three_records_in_this_order() -> None:
    host = a_bad_day()
    planned = [one.seq for one in host.recorded if isinstance(one.event, ev.ActionRequested)]

    assert len(planned) > 4
    for seq in planned:
        follow = [one for one in host.recorded if getattr(one.event, "action", None) == seq]
        assert [type(one.event) for one in follow] == [ev.ActionEnded, ev.ActionJudged]
        assert all(one.seq > seq for one in follow)


def test_every_action_stands_in_the_story_of_the_day_once() -> None:
    host = a_bad_day()
    ordered = [f"{one.at:%H:%M:%S}" for one in host.recorded if isinstance(one.event, ev.ActionRequested)]

    lines = [line for line in day_of(host).splitlines() if line.startswith("- **Did**")]

    assert sorted(time for line in lines for time in re.findall(r"\d\d:\d\d:\d\d", line)) == sorted(ordered)


def test_every_incident_has_its_entry_in_the_story_of_the_day() -> None:
    host = a_bad_day()
    labels = {one.event.label for one in host.recorded if isinstance(one.event, ev.IncidentConfirmed)}

    assert labels
    assert all(f"{label}.md" in day_of(host) for label in labels)


def test_an_incident_is_taken_up_at_once_and_says_who_else_is_concerned() -> None:
    host = host_of(NEEDY, replace(API, name="web", unit="web.service", depends_on=("api",)), REDIS)
    host.services["redis.service"].can_start = False

    host.kill("redis.service")
    host.run(seconds=30)

    incident = next(one for one in host.agent.state.open_incidents if one.check == "redis")
    taken = next(one for one in incident.timeline if one.text.startswith("taken up"))
    assert taken.text == "taken up by opsagent; api, web need it"
    assert taken.at == incident.detected_at
    assert incident.acknowledged_at is None, "that is a person's"


def test_an_incident_that_concerns_nobody_else_says_so() -> None:
    host = host_of(RUNNER)

    host.kill("actions.runner.service")
    host.run(seconds=30)

    assert "taken up by opsagent; nothing else that is watched needs it" in [one.text for one in host.incident.timeline]


def test_a_runner_of_tests_is_a_service_like_any_other() -> None:
    host = host_of(RUNNER)

    host.kill("actions.runner.service")
    host.run(minutes=2)

    assert [(one.remedy, one.outcome) for one in host.incident.actions] == [("restart", Outcome.VERIFIED)]
    assert host.told() == []


def test_in_observe_mode_nothing_is_ever_asked_of_systemd() -> None:
    host = host_of(NEEDY, REDIS, mode=Mode.OBSERVE)

    host.kill("redis.service")
    host.kill("api.service")
    host.run(hours=1)

    assert host.orders.acted == []
    assert host.events(ev.ActionRequested) == []
    assert {one.guard for one in host.events(ev.ActionRefused)} == {"mode"}


def test_a_unit_that_is_not_on_the_list_is_refused_and_that_is_recorded() -> None:
    host = host_of(replace(API, repair=()))

    host.kill("api.service")
    host.run(minutes=5)

    assert host.orders.acted == []
    (refusal,) = host.events(ev.ActionRefused)
    assert refusal.guard == "armed"
    assert "is only watched" in day_of(host)


@pytest.mark.parametrize(("can_start", "asked"), [(False, True), (True, False)])
def test_who_does_not_know_the_failure_and_has_tried_all_asks_for_guidance(can_start: bool, asked: bool) -> None:
    host = host_of(API)
    host.services["api.service"].can_start = can_start

    host.kill("api.service")
    host.run(minutes=30)

    pages = [owed.body for owed in host.told("page")]
    question = "I do not know this failure: what cures it? Tell me: opsagent note OPS-20261118-001"
    assert any(question in body for body in pages) is asked
    assert pages or can_start


def test_what_was_not_tried_in_vain_asks_nothing() -> None:
    host = host_of(replace(API, repair=()))

    host.kill("api.service")
    host.run(minutes=30)

    assert host.told("page")
    assert not any("what cures it" in owed.body for owed in host.told("page"))


def test_a_page_is_told_once_for_each_level() -> None:
    host = host_of(replace(API, criticality=Criticality.CRITICAL))
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=14)

    assert [owed.level for owed in host.told("page")] == ["everyone"]
    assert timedelta() <= host.delivered[0][0] - host.incident.first_bad_at <= timedelta(seconds=1)
