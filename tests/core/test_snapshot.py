"""A snapshot and the events after it come to the same as all events, wherever the log is cut."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.commands import Acknowledge, Pause
from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.snapshot import Snapshot, after, from_text, to_text
from opsagent.core.unit import HostConditions
from tests.core.live_host import LiveHost

CHECKS = tuple(
    CheckPolicy(
        name=name,
        kind="http",
        unit=f"{name}.service",
        every=timedelta(seconds=10),
        repair=(RemedyRule(do="restart"),),
        criticality=Criticality.IMPORTANT,
    )
    for name in ("api", "shop")
)
POLICY = Policy(host="web-1", checks=CHECKS, notifiers=(NotifierPolicy(name="hook", kind="webhook"),))


def eventful() -> LiveHost:
    """Return a host after a day with everything in it: healed, paged, taken, paused, an hour set back."""
    host = LiveHost(POLICY)
    host.take(inbox.Started(version="1", pid=7), inbox.SettingsRead(policy=POLICY, digest="d", text="checks: […]"))
    for check in CHECKS:
        host.serve(check.unit or "")
    host.run(minutes=1)
    host.kill("api.service")
    host.run(minutes=50)
    host.take(inbox.HostSeen(conditions=HostConditions(overload="cpu")), inbox.Beat(late=0.0, seconds=0.5))
    host.services["shop.service"].can_start = False
    host.down.add("hook")
    host.kill("shop.service")
    host.run(minutes=20)
    label = host.agent.state.open_incidents[0].label or ""
    host.ask(Acknowledge(incident=label, by="ada", lasts=timedelta(hours=5), note="on it"))
    host.ask(Pause(target="api", lasts=timedelta(hours=2), by="ada", because="deploy"))
    host.jump(hours=-1)
    host.run(minutes=10)
    return host


@pytest.fixture(scope="module")
def host() -> LiveHost:
    return eventful()


def folded(begin: Snapshot, rows: list) -> Snapshot:
    for one in rows:
        begin = after(begin, one)
    return begin


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_wherever_the_log_is_cut_a_snapshot_and_the_rest_come_to_the_same(host: LiveHost, share: float) -> None:
    rows = host.recorded
    cut = round(share * len(rows))

    read = from_text(to_text(folded(Snapshot(), rows[:cut])))

    assert folded(read, rows[cut:]) == folded(Snapshot(), rows)


def test_the_state_of_the_snapshot_is_the_state_that_lived(host: LiveHost) -> None:
    whole = folded(Snapshot(), host.recorded)

    assert whole.state == host.agent.state
    assert set(whole.patterns) == {one.fingerprint for one in host.events(ev.PatternSeen)} != set()
    assert {len(whole.state.incidents), len(whole.state.past)} == {1}
    assert host.events(ev.NotificationQueued)
    assert whole.state.pauses


def test_mappings_keep_their_order(host: LiveHost) -> None:
    whole = folded(Snapshot(), host.recorded)

    assert list(from_text(to_text(whole)).state.units) == list(whole.state.units)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state":{"seq":"one"}}', '{"state":{"incidents":{"x":{}}}}', "7"])
def test_what_is_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text)
