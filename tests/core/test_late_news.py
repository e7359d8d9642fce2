"""News that come late or out of order: a unit's past is not its present."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.phase import Phase
from tests.core.test_stories import killed_host


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
