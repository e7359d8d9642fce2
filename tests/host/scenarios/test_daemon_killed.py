"""The daemon dies with -9 in every phase of a repair: no failure is ever restarted twice, and none is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.stage import QUICK
from tests.host.scenarios.watched import HELD, Watched, check, quiet_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


def test_before_it_has_decided_anything(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.signal_daemon("STOP")
    watched.signal(unit)

    watched.kill()

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_after_the_intent_and_before_the_order_went_through(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.host.run(["sh", "-ec", "systemctl start polkit; systemctl kill -s STOP polkit"])  # it ends when idle
    watched.signal(unit)
    watched.wait(lambda: watched.incidents("worker")[0]["repair"] == "running", what="the order to be under way")

    watched.signal_daemon("KILL")
    watched.host.run(["systemctl", "kill", "-s", "CONT", "polkit"])

    watched.healed("worker", within=30)
    assert watched.acted("worker")[-1] == ("restart", "verified")
    assert watched.restarts(unit) == 1


def test_during_the_job(watched: Watched) -> None:
    unit = watched.worker(service=f"ExecStartPre={HELD}")
    watched.begin(check())
    watched.hold()
    watched.signal(unit)
    watched.wait(lambda: watched.host.show(unit, "SubState") == "start-pre", what="the job to run")

    watched.kill()
    watched.let_go()

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_while_the_job_still_stops_what_hangs(watched: Watched) -> None:
    """Then the invocation is still the old one, and a second order would restart the service again."""
    unit = watched.api("hung", 18601, service=f"ExecStop={HELD}")
    watched.begin(
        f"- {{name: hung, kind: http, url: 'http://127.0.0.1:18601/health', unit: {unit}, {QUICK}, repair: [restart]}}"
    )
    watched.hold()
    watched.behave("hung", behave="500")
    watched.wait(lambda: watched.host.show(unit, "SubState") == "stop", what="the job to run")
    watched.behave("hung", behave="ok")

    watched.kill()
    quiet_for(0.5)  # in which it could order again
    watched.let_go()

    watched.healed("hung")
    assert watched.acted("hung") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_after_the_job_and_before_it_heard_of_that(watched: Watched) -> None:
    unit = watched.worker(service=f"ExecStartPre={HELD}")
    watched.begin(check())
    watched.hold()
    watched.signal(unit)
    watched.wait(lambda: watched.host.show(unit, "SubState") == "start-pre", what="the job to run")
    watched.signal_daemon("STOP")
    watched.let_go()
    watched.wait(lambda: watched.host.show(unit, "SubState") == "running", what="the job to end")

    watched.kill()

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_while_it_verifies(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.signal(unit)
    watched.wait(lambda: watched.incidents("worker")[0]["state"] == "verifying", what="the first good look")

    watched.kill()

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_again_and_again(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.signal(unit)
    for _ in range(3):
        watched.kill()

    watched.healed("worker")
    assert watched.acted("worker")[-1] == ("restart", "verified")
    assert watched.got() == []
    assert watched.restarts(unit) == 1
