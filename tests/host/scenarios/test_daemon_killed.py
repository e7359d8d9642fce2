"""The daemon dies with -9 in every phase of a repair: no failure is ever restarted twice, and none is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

QUICK = "every: 1s, confirm: {failures: 2, retry: 500ms, successes: 2, stable_for: 1s, resolve_after: 1s}"


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


def worker(watched: Watched, name: str, service: str = "") -> str:
    """Run a service that does nothing, enabled, with further lines of its unit."""
    text = f"[Service]\nExecStart=/bin/sleep infinity\n{service}\n[Install]\nWantedBy=multi-user.target\n"
    unit = watched.service(f"{name}.service", text, start=False)
    watched.host.run(["systemctl", "enable", "-q", "--now", unit])
    watched.begin(f"- {{name: {name}, kind: unit, unit: {unit}, {QUICK}, repair: [restart]}}")
    return unit


def test_before_it_has_decided_anything(watched: Watched) -> None:
    unit = worker(watched, "early")
    watched.signal_daemon("STOP")
    watched.signal(unit)

    watched.kill()

    watched.healed("early")
    assert watched.acted("early") == [("restart", "verified")]
    assert watched.starts(unit) == 2


def test_after_the_intent_and_before_the_order_went_through(watched: Watched) -> None:
    unit = worker(watched, "intent")
    watched.host.run(["systemctl", "kill", "-s", "STOP", "polkit"])
    watched.signal(unit)
    watched.wait(lambda: watched.incidents("intent")[0]["repair"] == "running", what="the order to be under way")

    watched.signal_daemon("KILL")
    watched.host.run(["systemctl", "kill", "-s", "CONT", "polkit"])

    watched.healed("intent", within=30)
    assert watched.acted("intent")[-1] == ("restart", "verified")
    assert watched.starts(unit) == 2


def test_during_the_job(watched: Watched) -> None:
    unit = worker(watched, "during", "ExecStartPre=/bin/sh -c 'test ! -e /run/slow || sleep 3'")
    watched.host.run(["touch", "/run/slow"])
    watched.signal(unit)
    watched.wait(lambda: watched.host.show(unit, "SubState") == "start-pre", what="the job to run")

    watched.kill()

    assert watched.host.show(unit, "SubState") == "start-pre"
    watched.healed("during")
    assert watched.acted("during") == [("restart", "verified")]
    assert watched.starts(unit) == 2


def test_while_the_job_still_stops_what_hangs(watched: Watched) -> None:
    """Then the invocation is still the old one, and a second order would restart the service again."""
    unit = watched.api("deaf", 18601, deaf="", service="TimeoutStopSec=3")
    watched.begin(
        f"- {{name: deaf, kind: http, url: 'http://127.0.0.1:18601/health', unit: {unit}, {QUICK}, repair: [restart]}}"
    )
    watched.behave("deaf", behave="500")
    watched.wait(lambda: watched.host.show(unit, "SubState") == "stop-sigterm", what="the job to run")
    watched.behave("deaf", behave="ok")

    watched.kill()

    assert watched.host.show(unit, "SubState") == "stop-sigterm"
    watched.healed("deaf")
    assert watched.acted("deaf") == [("restart", "verified")]
    assert watched.starts(unit) == 2


def test_after_the_job_and_before_it_heard_of_that(watched: Watched) -> None:
    unit = worker(watched, "unheard", "ExecStartPre=/bin/sh -c 'test ! -e /run/slow || sleep 1'")
    watched.host.run(["touch", "/run/slow"])
    watched.signal(unit)
    watched.wait(lambda: watched.host.show(unit, "SubState") == "start-pre", what="the job to run")
    watched.signal_daemon("STOP")
    watched.wait(lambda: watched.host.show(unit, "SubState") == "running", what="the job to end")

    watched.kill()

    watched.healed("unheard")
    assert watched.acted("unheard") == [("restart", "verified")]
    assert watched.starts(unit) == 2


def test_while_it_verifies(watched: Watched) -> None:
    unit = worker(watched, "verifying")
    watched.signal(unit)
    watched.wait(lambda: watched.incidents("verifying")[0]["state"] == "verifying", what="the first good look")

    watched.kill()

    watched.healed("verifying")
    assert watched.acted("verifying") == [("restart", "verified")]
    assert watched.starts(unit) == 2


def test_again_and_again(watched: Watched) -> None:
    unit = worker(watched, "often")
    watched.signal(unit)
    for _ in range(3):
        watched.kill()

    watched.healed("often")
    assert watched.acted("often")[-1] == ("restart", "verified")
    assert watched.got() == []
    assert watched.starts(unit) == 2
