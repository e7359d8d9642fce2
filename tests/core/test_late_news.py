"""News that come late, out of order, or not yet: a unit's past is not its present, and silence is no failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.phase import Phase
from tests.core.story_host import StoryHost
from tests.core.test_stories import POLICY, killed_host


def test_a_snapshot_that_waited_while_the_unit_was_restarted_is_no_relapse() -> None:
    host = killed_host()
    before = replace(host.units["api.service"], active_state="inactive", sub_state="dead", read_at=host.now)
    host.now += timedelta(milliseconds=50)
    host.answer_facts()
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32)
    host.good("api")

    host.take(inbox.UnitSeen(snapshot=before))

    assert host.incident.state is Phase.VERIFYING
    assert host.events(ev.Relapsed) == []


def test_after_the_clock_was_set_back_a_unit_is_heard_all_the_same() -> None:
    host = killed_host()
    host.answer_facts()
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32)
    host.good("api")

    host.now -= timedelta(hours=1)
    host.unit("api.service", active_state="failed", sub_state="failed", result="signal")

    assert host.agent.state.units["api.service"].active_state == "failed"


def test_a_start_of_ours_in_mid_repair_pages_nobody_before_the_first_look() -> None:
    host = killed_host()

    again = StoryHost(POLICY, now=host.now, state=host.agent.state)
    again.pass_(seconds=1)

    assert again.events(ev.LevelPaged) == []


def test_a_service_that_takes_long_to_start_is_not_called_one_that_nobody_can_look_at() -> None:
    host = killed_host()
    host.answer_facts()
    host.carry_out(active_state="activating", sub_state="start", invocation_id="b" * 32, inactive_exit_at=host.now)

    for _ in range(5):
        host.pass_(seconds=5)
        host.bad("api")

    assert [one.label for one in host.agent.state.incidents.values()] == ["OPS-20261118-001"]


def test_a_suspect_whose_unit_still_starts_is_not_called_good_again() -> None:
    host = StoryHost(POLICY)
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="a" * 32)
    host.bad("api")
    again = StoryHost(POLICY, now=host.now, state=host.agent.state)
    again.unit("api.service", active_state="active", sub_state="running", inactive_exit_at=again.now)

    again.bad("api")

    assert [one.state for one in again.agent.state.incidents.values()] == [Phase.SUSPECT]


def test_what_was_read_before_a_unit_died_is_not_asked_whether_it_may_be_restarted() -> None:
    host = StoryHost(POLICY)
    host.unit("api.service", active_state="active", sub_state="running", need_daemon_reload=True)
    host.good("api")
    for _ in range(3):
        host.pass_(seconds=5)
        host.bad("api")
    host.answer_facts()
    assert host.orders.acted == []

    host.pass_(seconds=1)
    host.unit("api.service", active_state="failed", sub_state="failed", result="signal")
    host.answer_facts()

    assert [event.remedy for _, _, event in host.orders.acted] == ["restart"]
