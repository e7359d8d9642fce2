"""The checks that ask systemd, the socket table and real file systems, on a real host."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.host.harness import Host

TREE = Path(__file__).parent.parent.parent
LOOKER = """
import json, subprocess, sys, time
from opsagent import checks
steps = json.loads(sys.argv[1])
readings, kept = [], {}
for step in steps:
    if isinstance(step, str):
        subprocess.run(step, shell=True, check=True, stdout=subprocess.DEVNULL)
        continue
    kind, options = step
    check = checks.kind(kind)(**options)
    recall, keep = (lambda: kept.get(kind, "")), (lambda text: kept.update({kind: text}))
    seen = checks.observe(checks.remembering(check, recall, keep))
    readings.append([seen.status, seen.failure_class, seen.conclusive, seen.severity, seen.message])
print(json.dumps(readings))
"""
SLEEPER = "[Service]\nExecStart=/usr/bin/sleep 1000\n"
WEB = "[Service]\nExecStart=/usr/bin/python3 -m http.server 18080 --bind 127.0.0.1\n"
DIES = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=100ms\n"


def look(host: Host, *steps: str | tuple[str, dict[str, Any]], around: tuple[str, ...] = ()) -> list[list[Any]]:
    """Take looks inside, in one process; a step that is text is a command for the shell between two looks."""
    program = ["env", f"PYTHONPATH={TREE}", sys.executable, "-c", LOOKER, json.dumps(steps)]
    readings: list[list[Any]] = json.loads(host.run([*around, *program]).stdout)
    return readings


def test_a_unit_is_followed_from_running_to_killed_to_stopped(shared_host: Host) -> None:
    shared_host.unit("sleeper.service", SLEEPER)
    see = ("unit", {"unit": "sleeper.service"})

    running, killed, again, ended, masked, missing = look(
        shared_host,
        "systemctl start sleeper",
        see,
        "systemctl kill -s KILL sleeper; while systemctl is-active -q sleeper; do :; done",
        see,
        "systemctl restart sleeper",
        see,
        "systemctl kill -s TERM sleeper; while systemctl is-active -q sleeper; do :; done",
        see,
        "rm /etc/systemd/system/sleeper.service; systemctl mask sleeper",
        see,
        ("unit", {"unit": "no-such.service"}),
    )

    assert running == ["ok", None, False, None, "sleeper.service is active (running)"]
    assert killed[:3] == ["critical", "signal", True]
    assert killed[4] == "sleeper.service failed: signal, killed by signal 9"
    assert again[0] == "ok"
    assert ended[:3] == ["critical", "ended", False]
    assert masked[:2] == ["unknown", "masked"]
    assert missing[:2] == ["unknown", "not-found"]


def test_systemds_own_restarts_are_a_warning_and_then_a_loop(shared_host: Host) -> None:
    shared_host.unit("dies.service", DIES)
    see = ("unit", {"unit": "dies.service"})
    until = "while [ $(systemctl show -P NRestarts dies) -lt {} ]; do sleep 0.02; done"

    first, loop = look(shared_host, "systemctl start --no-block dies", until.format(1), see, until.format(5), see)
    shared_host.run(["systemctl", "stop", "dies"])

    assert first[0] == "warning"
    assert loop[:3] == ["critical", "loop", True]


def test_every_failed_unit_of_the_host_is_listed(shared_host: Host) -> None:
    for name in ("a-broken", "b-broken"):
        shared_host.unit(f"{name}.service", "[Service]\nExecStart=/bin/false\n")

    before, failed, ignored, one = look(
        shared_host,
        "systemctl reset-failed",
        ("units", {}),
        "systemctl start a-broken b-broken; while ! systemctl is-failed -q a-broken b-broken; do :; done",
        ("units", {}),
        ("units", {"ignore": ["?-broken.service"]}),
        ("units", {"ignore": ["a-*"]}),
        "systemctl reset-failed",
    )

    assert before[:2] == ["ok", None]
    assert failed[:2] == ["critical", "failed"]
    assert failed[4] == "2 failed: a-broken.service (exit-code), b-broken.service (exit-code)"
    assert ignored[0] == "ok"
    assert one[4] == "1 failed: b-broken.service (exit-code)"


def test_the_unit_behind_a_port_is_known(shared_host: Host) -> None:
    shared_host.unit("web.service", "[Install]\nAlias=site.service\n" + WEB)
    shared_host.run(["systemctl", "enable", "-q", "web"])

    mine, alias, other, gone = look(
        shared_host,
        "systemctl start web; while ! ss -Hltn sport = 18080 | grep -q .; do sleep 0.02; done",
        ("listen", {"port": 18080, "unit": "web.service"}),
        ("listen", {"port": 18080, "unit": "site.service"}),
        ("listen", {"port": 18080, "unit": "sleeper.service"}),
        "systemctl stop web",
        ("listen", {"port": 18080, "unit": "web.service"}),
    )

    assert mine == ["ok", None, False, None, "tcp port 18080 is held by web.service"]
    assert alias[0] == "ok"
    assert other[:2] == ["critical", "wrong"]
    assert gone[:2] == ["critical", "absent"]


def test_a_unit_holds_a_port_by_its_socket_too(shared_host: Host) -> None:
    shared_host.unit("lazy.socket", "[Socket]\nListenStream=127.0.0.1:18081\n")
    shared_host.unit("lazy.service", SLEEPER)

    mine, other, served = look(
        shared_host,
        "systemctl start lazy.socket",
        ("listen", {"port": 18081, "unit": "lazy.service"}),
        ("listen", {"port": 18081, "unit": "sleeper.service"}),
        "systemctl start lazy.service",
        ("listen", {"port": 18081, "unit": "lazy.service"}),
        "systemctl stop lazy.socket lazy.service",
    )

    assert [mine[0], other[1], served[0]] == ["ok", "wrong", "ok"]


def test_a_unit_whose_file_was_broken_while_it_ran_is_still_followed(shared_host: Host) -> None:
    shared_host.unit("edited.service", SLEEPER)
    see = ("unit", {"unit": "edited.service"})

    running, killed, down = look(
        shared_host,
        "systemctl start edited; sed -i s,ExecStart.*,ExecStart=./no, /etc/systemd/system/edited.service",
        "systemctl daemon-reload",
        see,
        "systemctl kill -s KILL edited; while systemctl is-active -q edited; do :; done",
        see,
        "systemctl reset-failed edited",
        see,
    )

    assert running[0] == "ok"
    assert killed[:3] == ["critical", "signal", True]
    assert down[:2] == ["critical", "bad-setting"]


def test_a_full_file_system_and_one_out_of_inodes_are_told_apart(shared_host: Host) -> None:
    full, inodes = look(
        shared_host,
        "mkdir -p /full /many; mount -t tmpfs -o size=1m full /full; mount -t tmpfs -o nr_inodes=64 many /many",
        "head -c 1048576 /dev/zero >/full/x; for i in $(seq 63); do touch /many/$i; done",
        ("disk", {"path": "/full"}),
        ("disk", {"path": "/many"}),
        "umount /full /many",
    )

    assert full[:4] == ["critical", "full", False, "SEV2"]
    assert full[4].startswith("/full is 100 % full, 0 bytes left")
    assert inodes[:4] == ["critical", "inodes", False, "SEV2"]


def test_a_file_system_that_turns_read_only_or_goes_away_is_seen(shared_host: Host) -> None:
    before, after, gone = look(
        shared_host,
        "mkdir -p /turned; mount -t tmpfs turned /turned",
        ("disk", {"path": "/turned"}),
        "mount -o remount,ro /turned",
        ("disk", {"path": "/turned"}),
        "umount /turned",
        ("disk", {"path": "/turned"}),
    )

    assert before[0] == "ok"
    assert after[:4] == ["critical", "readonly", False, "SEV2"]
    assert gone[:2] == ["critical", "unmounted"]


@pytest.mark.parametrize(("path", "expected"), [("/", ["ok", None]), ("/media", ["unknown", "sandbox"])])
def test_inside_a_sandbox_only_what_the_host_really_has_is_judged(
    shared_host: Host, path: str, expected: list[str | None]
) -> None:
    sandbox = (
        "systemd-run",
        "-q",
        "--wait",
        "--pipe",
        "-p",
        "ProtectSystem=strict",
        "-p",
        "TemporaryFileSystem=/media",
    )

    (seen,) = look(shared_host, ("disk", {"path": path, "warning": None, "critical": None}), around=sandbox)

    assert seen[:2] == expected, seen[4]


def test_a_way_out_is_followed_from_up_to_pulled_to_switched_off_to_gone(shared_host: Host) -> None:
    see = ("network", {"peer": "10.9.8.2:22", "count": 2, "addresses": ["10.9.8.1"]})

    none, up, silent, pulled, off, gone = look(
        shared_host,
        see,
        "ip link add out0 type veth peer name far0; ip address add 10.9.8.1/24 dev out0; ip link set far0 up",
        "ip link set out0 up; ip route add default via 10.9.8.2",
        "ip neighbour add 10.9.8.2 lladdr 02:00:00:00:00:02 dev out0",
        ("network", {"addresses": ["10.9.8.1"]}),
        see,
        "ip link set far0 down",
        see,
        "ip link set out0 down",
        see,
        "ip link del out0",
        see,
    )

    assert none[:2] == ["critical", "route"]
    assert up[:2] == ["ok", None]
    assert silent[:2] == ["critical", "unreachable"]
    assert silent[4].endswith("0 of 2 connections to 10.9.8.2:22 were answered: no answer")
    assert pulled[:2] == ["critical", "carrier"]
    assert off[:2] == ["critical", "route"]
    assert off[4] == "there is no default route; it led over out0: out0 is switched off"
    assert gone[4] == "there is no default route; it led over out0, which is gone"


def test_a_clock_that_nobody_keeps_is_known_also_where_the_kernel_may_not_be_asked(shared_host: Host) -> None:
    sandbox = ("systemd-run", "-q", "--wait", "--pipe", "-p", "ProtectClock=yes", "-p", "SystemCallErrorNumber=EPERM")

    (outside,), (inside,) = look(shared_host, ("clock", {})), look(shared_host, ("clock", {}), around=sandbox)

    assert outside == inside == [
        *("warning", "unkept", False, None, "no NTP service runs, and the clock is not synchronised"),
    ]  # fmt: skip
