"""Services that are to be left alone: stopped, masked, disabled, driven by timers, changed, on a host on hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.stage import QUICK, UNITS, did

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage

EXITS_143 = (
    "[Service]\nExecStart=/bin/bash -c 'trap \"exit 143\" TERM; while :; do sleep 0.1; done'\nKillMode=mixed\n"
    "[Install]\nWantedBy=multi-user.target\n"
)
HOLDS_THE_LOCK = """
import fcntl, os, socket, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
"""


def http(name: str, port: int, more: str = "repair: [restart]") -> str:
    url = f"http://127.0.0.1:{port}/health"
    return f"- {{name: {name}, kind: http, url: '{url}', unit: {name}.service, {QUICK}, {more}}}"


def kind_unit(name: str, more: str = "repair: [restart]") -> str:
    return f"- {{name: {name}, kind: unit, unit: {name}.service, {QUICK}, {more}}}"


def refused(stage: Stage, check: str, words: str) -> None:
    """Wait for an incident in which nothing was done, for a reason with these words."""
    found = stage.incident(check, lambda one: any(words in a["reason"] for a in one["actions"]), what=words)
    assert {outcome for _, outcome in did(found)} == {"refused"}


def test_what_an_operator_stops_is_left_alone_even_if_it_ends_like_a_crash(stage: Stage) -> None:
    unit = stage.api("stopped", 18401)
    other = stage.service("rough.service", EXITS_143)
    stage.begin(http("stopped", 18401) + "\n" + kind_unit("rough"))
    stage.good("stopped", "rough")

    stage.host.run(["systemctl", "stop", unit, other])

    for check in ("stopped", "rough"):
        stage.until(lambda check=check: stage.status(check)["suppressed_by"] == "operator_stop", what="the stop")  # type: ignore[misc]
    assert stage.host.show(other, "ActiveState") == "failed"
    stage.until(lambda: "refused" in stage.status("stopped")["message"], what="a failing look")
    time.sleep(1)  # it would have been believed, and acted on, by now
    assert stage.incidents() == []
    assert stage.told() == []
    assert [stage.starts(unit), stage.starts(other)] == [1, 1]

    stage.host.run(["systemctl", "start", unit])
    stage.good("stopped")
    stage.signal(unit)
    assert did(stage.healed("stopped")) == [("restart", "verified")]


def test_what_an_operator_stops_while_opsagent_is_down_is_left_alone(stage: Stage) -> None:
    unit = stage.service("unseen.service", EXITS_143)
    stage.begin(kind_unit("unseen"))
    stage.good("unseen")

    stage.host.run(["systemctl", "stop", "opsagent.service"])
    stage.host.run(["systemctl", "stop", unit])
    stage.host.run(["systemctl", "start", "opsagent.service"])

    stage.until(lambda: stage.status("unseen")["suppressed_by"] == "operator_stop", what="the stop to be understood")
    stage.until(lambda: stage.host.show(unit, "ActiveState") == "failed", what="a look")
    assert stage.incidents() == []
    assert stage.starts(unit) == 1


def test_what_died_while_opsagent_was_down_is_repaired_when_it_is_back(stage: Stage) -> None:
    unit = stage.api("missed", 18402)
    stage.begin(http("missed", 18402))
    stage.good("missed")

    stage.host.run(["systemctl", "stop", "opsagent.service"])
    stage.signal(unit)
    stage.host.run(["systemctl", "start", "opsagent.service"])

    assert did(stage.healed("missed")) == [("restart", "verified")]


def test_masked_and_never_enabled_units_are_left_alone(stage: Stage) -> None:
    masked = stage.api("masked", 18403)
    text = "[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy=multi-user.target\n"
    stage.service("unused.service", text, start=False)
    stage.begin(http("masked", 18403) + "\n" + kind_unit("unused"))
    stage.good("masked")

    stage.host.run(["systemctl", "mask", "-q", "--runtime", masked])
    stage.signal(masked)

    refused(stage, "masked", "masked.service is masked")
    refused(stage, "unused", "unused.service is disabled and was not active since boot")
    assert stage.host.show("unused.service", "ActiveState") == "inactive"
    assert sorted(stage.titles()) == [
        "[PAGE SEV2] web-1: masked down, its unit is masked",
        "[PAGE SEV2] web-1: unused down, its unit is disabled",
    ]


def test_a_disabled_unit_that_somebody_started_by_hand_is_repaired(stage: Stage) -> None:
    stage.behave("used")
    argv = "/usr/bin/python3 /opt/scenario/api.py 18404 /srv/used"
    used = stage.service("used.service", f"[Service]\nExecStart={argv}\n[Install]\nWantedBy=multi-user.target\n")
    stage.begin(http("used", 18404))
    stage.good("used")
    assert stage.host.show(used, "UnitFileState") == "disabled"

    stage.signal(used)

    assert did(stage.healed("used")) == [("restart", "verified")]


def test_a_oneshot_and_what_a_timer_drives_are_never_run_again(stage: Stage) -> None:
    stage.service("once.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n", start=False)
    stage.service("nightly.service", "[Service]\nExecStart=/bin/false\n", start=False)
    timer = stage.service("nightly.timer", "[Timer]\nOnCalendar=*-01-01\n")
    stage.host.run(["systemctl", "start", "once.service"], check=False)
    stage.host.run(["systemctl", "start", "nightly.service"])

    stage.begin(kind_unit("once") + "\n" + kind_unit("nightly"))

    refused(stage, "once", "once.service is a oneshot")
    refused(stage, "nightly", f"nightly.service is driven by {timer}")


@pytest.mark.parametrize("armed", ["[restart]", "[restart, reset_failed]"], ids=["alone", "reset"])
def test_a_start_limit_is_respected_and_lifted_only_where_that_is_armed(stage: Stage, armed: str) -> None:
    name = "limited" if armed == "[restart]" else "lifted"
    limit = "StartLimitIntervalSec=1h\nStartLimitBurst=2"
    unit = stage.api(name, 18405, unit=limit, service="Restart=always\nRestartSec=100ms")
    stage.begin(http(name, 18405, f"repair: {armed}"))
    stage.good(name)

    stage.signal(unit)
    stage.until(lambda: stage.starts(unit) == 2, what="systemd's own restart")
    stage.signal(unit)

    if armed == "[restart]":
        paged = stage.incident(name, lambda one: one["notifications"] and one["actions"], what="a page")
        assert did(paged)[0] == ("restart", "failed")
        assert "start limit" in paged["actions"][0]["reason"]
        assert stage.starts(unit) == 2
    else:
        lifting = "start limit hit: cleared and started once more after 60 s"
        stage.until(lambda: lifting in stage.why(name), what="the wait before the limit is lifted")
        assert did(stage.incident(name))[0] == ("restart", "failed")
        assert stage.starts(unit) == 2


def test_while_packages_are_installed_and_while_root_says_hold_nothing_is_repaired(stage: Stage) -> None:
    upgraded, held = stage.api("upgraded", 18406), stage.api("held", 18408)
    # as on any host but this one, whose overlay gives files two numbers
    stage.host.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/dpkg"])
    stage.host.write("/opt/scenario/apt.py", HOLDS_THE_LOCK)
    stage.begin(http("upgraded", 18406) + "\n" + http("held", 18408))
    stage.good("upgraded", "held")

    apt = stage.service("apt.service", "[Service]\nType=notify\nExecStart=/usr/bin/python3 /opt/scenario/apt.py\n")
    stage.signal(upgraded)
    refused(stage, "upgraded", "holds /var/lib/dpkg/lock-frontend")
    stage.host.write("/etc/opsagent/HOLD", "we are migrating, ask ops\n")
    stage.signal(held)
    refused(stage, "held", "we are migrating, ask ops")
    stage.until(stage.titles, what="a page")
    assert "[PAGE SEV2] web-1: held down, HOLD is set" in stage.titles()
    assert "migrating" in stage.json("status")["hold"]
    assert [stage.starts(unit) for unit in (upgraded, held)] == [1, 1]

    stage.host.run(["systemctl", "stop", apt])
    stage.host.run(["rm", "/etc/opsagent/HOLD"])
    for check in ("upgraded", "held"):
        healed = stage.incident(check, lambda one: one["mitigated_at"], within=15, what="a repair")
        assert did(healed)[-1][0] == "restart"
    stage.host.run(["umount", "/var/lib/dpkg"])


def test_a_living_service_with_something_newer_than_its_start_is_a_persons_matter_and_a_dead_one_is_not(
    stage: Stage,
) -> None:
    copied = "cp --dereference /usr/bin/python3 /opt/swapped; echo WORKERS=4 >/etc/tuned.env"
    stage.host.run(["sh", "-c", copied])
    unit = stage.api("edited", 18407)
    stage.api("tuned", 18408, service="EnvironmentFile=/etc/tuned.env")
    swapped = "/opt/swapped /opt/scenario/api.py 18409 /srv/swapped"
    stage.api("swapped", 18409, service=f"ExecStart=\nExecStart={swapped}")
    names = {"edited": 18407, "tuned": 18408, "swapped": 18409}
    stage.begin("\n".join(http(name, port) for name, port in names.items()), "changes: {hold: 0s}")
    stage.good(*names)
    learnt = ["test", "-e", "/var/lib/opsagent/changes.json"]  # what is edited before that has no difference
    stage.until(lambda: stage.host.run(learnt, check=False).returncode == 0, what="the files to be known")
    text = stage.host.read(f"{UNITS}/{unit}")
    stage.host.write(f"{UNITS}/{unit}", text + "# a change that nobody has started yet\n")
    stage.host.run(
        ["sh", "-c", "echo WORKERS=400 >/etc/tuned.env; cp -p /opt/swapped /opt/new; mv /opt/new /opt/swapped"]
    )

    bodies = {}
    for name, newer in (("tuned", "/etc/tuned.env"), ("swapped", "/opt/swapped"), ("edited", f"{UNITS}/{unit}")):
        stage.behave(name, behave="500")
        refused(stage, name, f"{newer} changed since it started: a restart would be a deploy")
        title = f"[PAGE SEV2] web-1: {name} down, a restart would be a deploy"
        stage.until(lambda title=title: title in stage.titles(), what=title)
        bodies[name] = next(one["body"] for one in stage.told() if one["title"] == title)
        if name != "edited":
            stage.behave(name, behave="ok")  # three at once would be another story
            stage.healed(name)
    assert "| -WORKERS=4\n| +WORKERS=400" in bodies["tuned"]
    assert "| +# a change that nobody has started yet" in bodies["edited"]

    stage.signal(unit)
    assert did(stage.healed("edited"))[-1] == ("restart", "verified")
