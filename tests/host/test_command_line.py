"""The commands on a host with a running service: as root, as a member of the group, and as anybody else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.harness import Host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import CompletedProcess

SETTINGS = """\
fast_loop: 1s
checks:
- {name: door, kind: tcp, host: 127.0.0.1, port: 1, confirm: {failures: 1, retry: 1s}}
- {name: deaf, kind: unit, unit: deaf.service, repair: [restart]}
- {name: ram, kind: memory}
"""
DEAF = "[Service]\nExecStart=/usr/bin/sleep infinity\nRestart=on-failure\nTimeoutStopSec=90\n"


@pytest.fixture(scope="module")
def served() -> Iterator[Host]:
    """Yield a host where opsagent runs, with one open incident, and a user `ann` who is in its group."""
    host = Host.up("served", installed=True)
    host.unit("deaf.service", DEAF)
    host.run(["systemctl", "start", "deaf.service"])
    host.run(["useradd", "--groups", "opsagent", "ann"])
    host.write("/etc/opsagent/opsagent.yaml", SETTINGS, 0o640)
    host.run(["chgrp", "opsagent", "/etc/opsagent/opsagent.yaml"])
    host.run(["opsagent", "install", "--refresh"])
    host.run(["systemctl", "start", "opsagent.service"])
    host.wait_for(lambda: asked(host, "incidents"), within=30, what="an incident of the closed door")
    yield host
    host.down()


def asked(host: Host, *words: str, user: str | None = None) -> Any:
    return json.loads(host.run(["opsagent", *words, "--json"], user=user).stdout)


def tried(host: Host, *words: str, user: str | None = None) -> CompletedProcess[str]:
    return host.run(["opsagent", *words], user=user, check=False)


@pytest.mark.parametrize("user", [None, "ann", "nobody"])
def test_everybody_may_ask_how_it_stands(served: Host, user: str | None) -> None:
    status = asked(served, "status", user=user)

    assert status["daemon"]["running"] is True
    assert {check["name"]: check["status"] for check in status["checks"]}["door"] == "critical"
    assert [one["id"] for one in asked(served, "incidents", user=user)] == status["open_incidents"]
    assert asked(served, "why", "door", user=user)["running"] is True


def test_evidence_is_for_the_group(served: Host) -> None:
    label = asked(served, "incidents")[0]["id"]

    assert asked(served, "show", label, user="ann")["timeline"]
    refused = tried(served, "show", label, user="nobody")
    assert refused.returncode == 1
    assert "cannot do this as nobody, allowed: root and members of the group opsagent" in refused.stderr


def test_changes_are_for_the_group_and_carry_a_name(served: Host) -> None:
    refused = tried(served, "pause", "ram", "--for", "1h", "--because", "x", user="nobody")
    taken = tried(served, "pause", "ram", "--for", "1h", "--because", "a deploy", user="ann")

    assert (refused.returncode, taken.returncode) == (1, 0)
    checks = {check["name"]: check["suppressed_by"] for check in asked(served, "status")["checks"]}
    assert checks["ram"] == "pause"
    assert tried(served, "pause", "ram", "--end", user="ann").returncode == 0
    assert "ann" in served.run(["sh", "-c", "cat /var/lib/opsagent/memory/*/*.md"]).stdout


def test_while_it_is_down_a_member_leaves_word_and_a_stranger_cannot(served: Host) -> None:
    served.run(["systemctl", "stop", "opsagent.service"])
    left = tried(served, "pause", "ram", "--for", "1h", "--because", "a deploy", user="ann")
    refused = tried(served, "pause", "ram", "--for", "1h", "--because", "x", user="nobody")
    waiting = asked(served, "status", user="ann")["pending_commands"]
    served.run(["systemctl", "start", "opsagent.service"])

    assert "waits in the spool" in left.stdout
    assert refused.returncode == 1
    assert "allowed: root and members of the group opsagent" in refused.stderr
    assert [(one["command"], one["by"]) for one in waiting] == [("pause ram for 1h", "ann")]
    served.wait_for(lambda: not asked(served, "status")["pending_commands"], within=10, what="the spool to be read")
    checks = {check["name"]: check["suppressed_by"] for check in asked(served, "status")["checks"]}
    assert checks["ram"] == "pause"


def test_doctor_says_of_this_host_what_is_so(served: Host) -> None:
    done = tried(served, "doctor", "--json")

    found = {(one["about"], one["level"]): one["text"] for one in json.loads(done.stdout)}
    assert done.returncode == 2
    assert ("daemon", "ok") in found
    assert ("dbus", "ok") in found
    assert found["polkit", "ok"] == "the rule fits the settings: deaf.service"
    assert ("state", "ok") in found
    assert ("memory", "ok") in found
    assert ("journal", "ok") in found
    assert found["people", "red"].startswith("no channel but the journal")


def test_doctor_names_the_unit_settings_that_are_in_the_way(served: Host) -> None:
    found = [one["text"] for one in json.loads(tried(served, "doctor", "--json").stdout) if "deaf" in one["about"]]

    assert any(text.startswith("TimeoutStopSec is 90 s") for text in found)
    assert any(text.startswith("Restart=on-failure: when systemd gives up first") for text in found)


def test_doctor_sees_a_stale_rule_and_a_hold(served: Host) -> None:
    served.write(
        "/etc/opsagent/opsagent.yaml", SETTINGS.replace("repair: [restart]", "repair: [restart, reload]"), 0o640
    )
    served.write("/etc/opsagent/HOLD", "disks are being moved\n")
    found = {one["about"]: one for one in json.loads(tried(served, "doctor", "--json").stdout)}
    stale = tried(served, "install", "--refresh", "--check")
    served.run(["rm", "/etc/opsagent/HOLD"])
    served.write("/etc/opsagent/opsagent.yaml", SETTINGS, 0o640)
    served.run(["chgrp", "opsagent", "/etc/opsagent/opsagent.yaml"])

    assert (found["polkit"]["level"], found["polkit"]["do"]) == ("red", "opsagent install --refresh")
    assert found["hold"]["text"] == "every action is held back: disks are being moved"
    assert stale.returncode == 1
    assert tried(served, "install", "--refresh", "--check").returncode == 0


def test_when_the_service_is_down_doctor_says_that_only_the_timer_looks(served: Host) -> None:
    served.run(["systemctl", "start", "opsagent-healthcheck.timer"])
    served.run(["systemctl", "stop", "opsagent.service"])
    found = {one["about"]: one for one in json.loads(tried(served, "doctor", "--json").stdout)}
    served.run(["systemctl", "start", "opsagent.service"])

    assert found["daemon"]["level"] == "red"
    assert "only the timer looks, every 30 min" in found["daemon"]["text"]


def test_check_looks_without_the_daemon_and_as_anybody(served: Host) -> None:
    done = tried(served, "check", "deaf", "ram", user="ann")

    assert done.returncode == 0, done.stdout
    assert re.search(r"^deaf +ok ", done.stdout, re.MULTILINE)


def test_a_service_that_is_restarted_serves_the_same_socket_again(served: Host) -> None:
    before = asked(served, "status")["daemon"]["pid"]
    served.run(["systemctl", "kill", "-s", "KILL", "opsagent.service"])

    served.wait_for(
        lambda: asked(served, "status", user="nobody")["daemon"]["pid"] not in {None, before},
        within=30,
        what="the service to be back",
    )


def test_a_purge_by_root_leaves_a_log_that_the_service_can_write(served: Host) -> None:
    code = (
        "import sqlite3; print(sqlite3.connect('file:/var/lib/opsagent/events.db?mode=ro', uri=True)"
        ".execute(\"SELECT max(seq) FROM events WHERE type = 'EvidenceGathered'\").fetchone()[0])"
    )
    seq = served.run(["python3", "-c", code]).stdout.strip()
    served.run(["systemctl", "stop", "opsagent.service"])
    purged = tried(served, "memory", "purge", seq, "--because", "a password got in")
    rebuilt = tried(served, "memory", "rebuild")
    served.run(["systemctl", "start", "opsagent.service"])

    assert purged.returncode == 0, purged.stderr
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert tried(served, "pause", "ram", "--end").returncode == 0
    foreign = served.run(["find", "/var/lib/opsagent", "!", "-group", "opsagent"]).stdout
    assert foreign == ""
    assert served.run(["find", "/var/lib/opsagent", "-maxdepth", "1", "!", "-user", "opsagent"]).stdout == ""
