"""An action is judged before its incident is over, and a person who asks for a repair learns what is the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core import events as ev
from opsagent.core.commands import RepairNow
from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import Confirm
from tests.core.test_stories import API, POLICY, killed_host

HASTY = replace(API, confirm=Confirm(stable_for=timedelta(seconds=2), resolve_after=timedelta(seconds=1)))


def test_an_incident_is_not_over_before_its_repair_is_judged() -> None:
    host = killed_host(replace(POLICY, checks=(HASTY,)))
    host.answer_facts()
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32)

    for _ in range(8):
        host.pass_(seconds=0.5)
        host.good("api")

    assert host.incident.state is Phase.RESOLVED
    assert [one.outcome for one in host.incident.actions] == [Outcome.VERIFIED]


def test_a_repair_of_what_is_good_again_is_not_called_unarmed() -> None:
    host = killed_host()
    host.answer_facts()
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32)
    host.good("api")
    host.good("api")

    answer = host.ask(RepairNow(by="ada", check="api"))

    assert (answer.accepted, answer.text) == (False, "nothing to repair: api is good now")


def test_when_nothing_can_be_recorded_nothing_is_repaired_and_a_person_is_told_at_once() -> None:
    host = killed_host()
    host.log.broken = StoreError(StoreTrouble.FULL, "the disk is full")

    host.answer_facts()
    host.pass_(seconds=1)

    assert host.orders.acted == []
    (page,) = host.events(ev.LevelPaged)
    assert page.reason == "the event log cannot be written: nothing is repaired until it can"
