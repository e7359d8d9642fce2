"""The ground moves: reboots, a new systemd, a new D-Bus, a frozen daemon; and opsagent leaves when told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.host.installed import make
from tests.host.scenarios.stage import QUICK
from tests.host.scenarios.watched import HELD, Watched, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.harness import Host

SLOW_LOOKS = QUICK.replace("every: 1s", "every: 1h")


@pytest.fixture
def watched(stage_host: Host) -> Iterator[Watched]:
    """Yield a stage for the daemon."""
    stage = Watched(stage_host)
    yield stage
    stage.end()


@pytest.mark.parametrize("how", ["daemon-reload", "daemon-reexec", "restart dbus"])
def test_events_are_heard_after(watched: Watched, how: str) -> None:
    """With a look an hour nothing but systemd's own signals can tell of the failure in time."""
    name = f"heard-{how.rpartition('-')[2].replace(' ', '-')}"
    unit = watched.worker(name)
    watched.begin(check(name, options=SLOW_LOOKS))
    pid = watched.pid()

    watched.host.run(["systemctl", *how.split()])
    watched.wait(lambda: watched.host.run(["busctl", "status", "org.freedesktop.systemd1"]), what="systemd on the bus")
    watched.signal(unit)

    watched.healed(name)
    assert watched.acted(name) == [("restart", "verified")]
    assert watched.restarts(unit) == 1
    assert watched.pid() == pid
    assert "Traceback" not in watched.log()


def test_a_frozen_daemon_is_brought_back_by_systemds_watchdog_and_goes_on(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check(), drop_in="WatchdogSec=2s\nTimeoutAbortSec=1s\n")
    before = watched.signal_daemon("STOP")
    watched.signal(unit)

    watched.back(before, within=30)

    watched.healed("worker")
    assert watched.acted("worker") == [("restart", "verified")]
    assert watched.restarts(unit) == 1


def test_it_leaves_at_once_when_told(watched: Watched) -> None:
    unit = watched.worker(service=f"ExecStartPre={HELD}")
    watched.begin(check())
    watched.answer("hang")
    watched.hold()
    watched.signal(unit)
    watched.wait(lambda: watched.host.show(unit, "SubState") == "start-pre", what="a job under way")

    began = time.monotonic()
    watched.host.run(["systemctl", "stop", "opsagent"])

    assert time.monotonic() - began < 5
    assert watched.host.show("opsagent", "Result") == "success"


def test_an_upgrade_in_place_keeps_what_is_known(watched: Watched) -> None:
    unit = watched.worker()
    watched.begin(check())
    watched.signal(unit)
    before = watched.healed("worker")

    watched.host.run(["systemctl", "stop", "opsagent"])
    make(watched.host, "install")
    watched.host.run(["systemctl", "start", "opsagent"])

    watched.wait(lambda: watched.json("status")["daemon"]["last_heartbeat_at"], what="a heartbeat")
    assert watched.incidents("worker") == [before]
    assert before["id"] in watched.daily()


def test_a_reboot_in_mid_incident_continues_it(watched: Watched) -> None:
    """A power cut during the repair: afterwards it is still one incident, and the boot is not mistaken for a crowd."""
    watched.worker(service=f"ExecStartPre={HELD}")
    watched.begin(check())
    watched.host.run(["systemctl", "enable", "-q", "opsagent", "hook"], check=False)
    watched.hold()
    watched.signal("worker.service")
    watched.wait(lambda: watched.host.show("worker.service", "SubState") == "start-pre", what="the repair to run")
    (before,) = watched.incidents("worker")

    watched.host.reboot(uptime=20)

    watched.wait(lambda: watched.incidents("worker"), what="the daemon after the boot", within=30)
    healed = watched.healed("worker")
    assert healed["id"] == before["id"]
    assert [one["outcome"] for one in healed["actions"]] == ["verified"]
    assert watched.json("status")["open_incidents"] == []
    assert len(watched.incidents()) == 1
