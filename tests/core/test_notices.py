"""Messages that belong to no incident."""

from __future__ import annotations

from opsagent.core import events as ev
from opsagent.core.notices import notice_of
from opsagent.core.policy import CheckPolicy, NotifierPolicy, Policy
from opsagent.core.state import State
from opsagent.core.world import World
from tests.core.test_units import NOW


def test_two_checks_that_begin_to_flap_in_one_second_are_two_messages() -> None:
    checks = (CheckPolicy(name="api", kind="http"), CheckPolicy(name="web", kind="http"))
    policy = Policy(host="web-1", checks=checks, notifiers=(NotifierPolicy(name="mail", kind="apprise"),))
    world = World(state=State(), policy=policy, looks={}, now=NOW)

    told = [notice_of(world, ev.FlappingStarted(check=one.name, percent=35.0)) for one in checks]

    assert len({draft.event.key for drafts in told for draft in drafts}) == 2  # type: ignore[attr-defined]
