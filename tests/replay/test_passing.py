"""Passing over looks of which nothing comes is only quicker: it tells what every look, taken one by one, tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from opsagent.agent import Agent
from opsagent.core import inbox
from opsagent.core.observation import Observation, Reading, Status, ok
from opsagent.core.policy import Criticality, Mode
from opsagent.replay import record
from opsagent.replay.back_test import Settled, back_test
from tests.replay.recorded_host import began, lived, policy
from tests.replay.test_back_test import course, with_check

if TYPE_CHECKING:
    from opsagent.core.policy import Policy
    from opsagent.replay.back_test import Result
    from tests.replay.recorded_host import RecordedHost

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def told(host: RecordedHost, tried: Policy, digest: str, *, every_look: bool) -> Result:
    found = record.read(host.log.rows, NOON + timedelta(minutes=30), host.now)
    courses = {name: course(name, host) for name in host.samples}
    return back_test(found, courses, Settled(policy=tried, digest=digest), every_look=every_look)


@st.composite
def tried(draw: st.DrawFn) -> Policy:
    """Return the policy with other thresholds: patience, how long it must last, severity, arms, a mode."""
    found = policy(mode=draw(st.sampled_from([Mode.AUTO, Mode.AUTO, Mode.OBSERVE])))
    for check in found.checks:
        confirm = replace(check.confirm, failures=draw(st.integers(1, 12)), successes=draw(st.integers(1, 4)))
        found = with_check(
            found,
            check.name,
            confirm=confirm,
            hold=timedelta(seconds=draw(st.sampled_from([0, 0, 90]))),
            criticality=draw(st.sampled_from(Criticality)),
            repair=draw(st.sampled_from([check.repair, ()])),
        )
    return found


@settings(max_examples=4, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # a day is shrunk in minutes
@given(seed=st.integers(0, 10**6), others=tried())
def test_what_is_passed_over_changes_nothing(seed: int, others: Policy) -> None:
    host = lived(policy(), NOON, days=1, seed=seed)

    assert told(host, others, "two", every_look=False) == told(host, others, "two", every_look=True)
    as_it_was = told(host, policy(), "one", every_look=False)
    assert as_it_was == told(host, policy(), "one", every_look=True)
    assert [(one.key, one.how) for one in as_it_was.different] == []


def test_a_daemon_that_was_restarted_knows_no_streaks_and_all_goes_on() -> None:
    host = lived(policy(), NOON, days=1, seed=3)
    for _ in range(2):
        host.agent = Agent(policy=policy(), state=host.agent.state, log=host.log, effects=host.orders, redact=str)
        host.take(inbox.Started(version="1", pid=2), inbox.SettingsRead(policy=policy(), digest="one", text=""))
        host.run(hours=3)
        host.kill("api.service")
        host.services["www.service"].sick = "status"
        host.run(minutes=50)
        host.services["www.service"].sick = ""
        host.run(hours=2)

    found = told(host, policy(), "one", every_look=False)

    assert found == told(host, policy(), "one", every_look=True)
    assert [(one.key, one.how) for one in found.different] == []


def test_a_failure_between_two_good_looks_is_not_passed_over() -> None:
    host = began(policy(), NOON)
    host.run(minutes=30)
    bad = Reading(status=Status.CRITICAL, message="refused", failure_class="refused")
    blip = [ok("220"), bad, *[ok("220")] * 3]

    def passed(*readings: Reading) -> object:
        begin = host.now
        seen = [
            Observation(check="mail", reading=one, at=begin + timedelta(seconds=place))
            for place, one in enumerate(readings, start=1)
        ]
        return host.agent.passed(seen, begin + timedelta(minutes=1))

    before = host.agent.looks
    assert passed(ok("220"), ok("220")) is not None
    assert passed(*blip) is None
    assert host.agent.looks == before
