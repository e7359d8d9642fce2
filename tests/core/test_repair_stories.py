"""Stories of repairs: how often, how soon, and when the hand is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core import events as ev
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import Confirm
from tests.core.live_host import LiveHost
from tests.core.test_stories import API, POLICY

CALM = replace(API, every=timedelta(seconds=60), confirm=Confirm(retry=timedelta(seconds=30)))  # for days of fake time


def api_host(**more: object) -> LiveHost:
    host = LiveHost(POLICY)
    host.serve("api.service", **more)
    host.run(seconds=60)
    return host


def test_a_service_that_takes_40_s_to_start_is_restarted_once_and_never_called_blind() -> None:
    host = api_host(start_takes=timedelta(seconds=40))

    host.kill("api.service")
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 1
    assert [one.outcome for one in host.incident.actions] == [Outcome.VERIFIED]
    assert len(host.events(ev.IncidentSuspected)) == 1
    assert host.told() == []
