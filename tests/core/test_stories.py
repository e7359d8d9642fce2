"""Stories of a night, told with values: what the agent decides when this and that happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core.fold import replay
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import CheckPolicy, Confirm, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.state import State
from tests.core.story_host import StoryHost

API = CheckPolicy(
    name="api",
    kind="http",
    unit="api.service",
    every=timedelta(seconds=10),
    repair=(RemedyRule(do="restart"),),
    criticality=Criticality.IMPORTANT,
)
A_MINUTE = timedelta(minutes=1)
SLOW = replace(API, every=A_MINUTE, confirm=Confirm(retry=A_MINUTE))
"""A look a minute, for the stories that last a day."""
POLICY = Policy(host="web-1", checks=(API,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),))


def killed_host(policy=POLICY) -> StoryHost:
    host = StoryHost(policy)
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="a" * 32)
    host.good("api")
    host.pass_(seconds=60)
    host.unit("api.service", active_state="failed", sub_state="failed", result="signal", exec_main_status=9)
    return host


def test_a_killed_service_is_restarted_verified_and_nobody_is_woken():
    host = killed_host()
    host.answer_facts()
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32, inactive_exit_at=host.now)

    host.pass_(seconds=0.1)
    host.good("api")
    for _ in range(70):
        host.pass_(seconds=5)
        host.good("api")

    assert [a.outcome for a in host.incident.actions] == [Outcome.VERIFIED]
    assert host.incident.reason.startswith("api.service failed: signal")
    assert host.incident.state is Phase.RESOLVED
    assert host.orders.sent == []
    state, skipped = replay(State(), host.recorded)
    assert (state, skipped) == (host.agent.state, 0)


def test_a_relapse_asks_at_once_again_what_was_refused_before():
    host = StoryHost(POLICY)
    host.unit("api.service", active_state="failed", result="signal", unit_file_state="disabled", active_enter_at=None)
    host.pass_(seconds=1)
    host.answer_facts()
    assert host.incident.actions[-1].guard == "disabled"
    host.unit("api.service", active_state="active", sub_state="running", result="success", active_enter_at=host.now)
    host.good("api")

    host.pass_(seconds=2)
    host.unit("api.service", active_state="failed", sub_state="failed", result="signal")
    host.answer_facts()

    assert [order[2].unit for order in host.orders.acted] == ["api.service"]
