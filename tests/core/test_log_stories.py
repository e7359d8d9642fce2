"""A check that reads logs: whoever is dead logs no errors, and that is no recovery."""

from __future__ import annotations

from datetime import timedelta

from opsagent.core import wording
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, Confirm, Policy
from tests.core.story_host import StoryHost

QUICK = Confirm(failures=1, successes=2, stable_for=timedelta(seconds=30), resolve_after=timedelta(minutes=5))
ERRORS = CheckPolicy(name="errors", kind="journal", unit="api.service", confirm=QUICK)


def host() -> StoryHost:
    story = StoryHost(Policy(host="web-1", checks=(ERRORS,)))
    story.unit("api.service", active_state="active", sub_state="running", load_state="loaded")
    story.good("errors")
    return story


def test_a_burst_is_one_incident_that_clears_with_it() -> None:
    story = host()
    for _ in range(20):
        story.bad("errors", "errors")
        story.pass_(seconds=30)
    assert wording.trouble(story.incident) == "errors counts too many errors"  # its unit is not down
    for _ in range(12):
        story.good("errors")
        story.pass_(seconds=30)

    assert len(story.agent.state.incidents) == 1
    assert story.incident.state is Phase.RESOLVED
    title, _ = wording.recovery(story.agent.state, story.incident, story.agent.policy, story.now)
    assert title.endswith(", bad for 10 min")


def test_a_service_that_died_is_not_well_because_its_log_is_quiet() -> None:
    story = host()
    story.unit("api.service", active_state="failed", sub_state="failed", result="signal")
    for _ in range(20):
        story.good("errors")
        story.pass_(seconds=30)
    died = story.incident.state
    assert wording.trouble(story.incident) == "errors is down"

    story.unit("api.service", active_state="active", sub_state="running", result="success")
    for _ in range(14):
        story.good("errors")
        story.pass_(seconds=30)

    assert died is Phase.PAGED
    assert story.incident.state is Phase.RESOLVED
