"""Each cause made for real, all at once on one host, and what opsagent says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.host.harness import Host
from tests.host.scenarios.stage import CONFIRM, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.scenarios.stage import Incident, Stage

PYTHON = "/usr/bin/python3 -c"


@dataclass(frozen=True)
class Failure:
    """One way to fail: the lines of its unit, what is named first, and a part of the sentence that says so."""

    name: str
    lines: str
    cause: str
    words: str
    before: str = ""


FAILURES = (
    Failure(
        name="oom",
        lines=f"MemoryMax=24M\nMemorySwapMax=0\nExecStart={PYTHON} 'x = b\"1\" * 200_000_000'",
        cause="out-of-memory",
        words="killed a process of",
    ),
    Failure(
        name="full",
        before="mount -t tmpfs -o size=64k none /srv/full",
        lines="ExecStart=/bin/dd if=/dev/zero of=/srv/full/data bs=64k count=9",
        cause="disk-full",
        words="/srv/full is 100 % full",
    ),
    Failure(
        name="inodes",
        before="mount -t tmpfs -o size=1m,nr_inodes=3 none /srv/inodes",
        lines="ExecStart=/usr/bin/touch /srv/inodes/a /srv/inodes/b /srv/inodes/c /srv/inodes/d",
        cause="inodes-used-up",
        words="of its inodes",
    ),
    Failure(
        name="sealed",
        before="mount -t tmpfs -o ro none /srv/sealed",
        lines="ExecStart=/usr/bin/touch /srv/sealed/a",
        cause="read-only",
        words="Read-only file system",
    ),
    Failure(
        name="port",
        lines="ExecStart=/usr/bin/redis-server --port 9009",
        cause="port-taken",
        words="port 9009 is held by python3 (hook.service)",
    ),
    Failure(
        name="needs",
        lines=f"ExecStart={PYTHON} 'import socket; socket.create_connection((\"127.0.0.1\", 5999))'",
        cause="dependency-down",
        words="Connection refused",
    ),
    Failure(
        name="redis-config",
        before="echo 'maxmemory lots' > /srv/redis-config/redis.conf",
        lines="ExecStart=/usr/bin/redis-server /srv/redis-config/redis.conf",
        cause="bad-configuration",
        words="FATAL CONFIG FILE ERROR",
    ),
    Failure(
        name="nginx-config",
        before="echo 'events {} htpp {}' > /srv/nginx-config/nginx.conf",
        lines="ExecStartPre=/usr/sbin/nginx -t -c /srv/nginx-config/nginx.conf\nExecStart=/bin/true",
        cause="bad-configuration",
        words="nginx-config/nginx.conf",
    ),
    Failure(name="exit-78", lines="ExecStart=/bin/sh -c 'exit 78'", cause="bad-configuration", words="exit status 78"),
    Failure(name="no-file", lines="ExecStart=/bin/cat /srv/no-file/key.pem", cause="missing-file", words="/key.pem"),
    Failure(
        name="no-right",
        lines="User=nobody\nExecStart=/bin/cat /etc/shadow",
        cause="permission-denied",
        words="Permission denied",
    ),
    Failure(name="no-user", lines="User=nosuch\nExecStart=/bin/true", cause="unknown-user", words="exit status 217"),
    Failure(name="no-program", lines="ExecStart=/usr/bin/nosuch", cause="cannot-run", words="exit status 203"),
    Failure(
        name="no-path",
        lines="ReadWritePaths=/srv/nosuch\nExecStart=/bin/true",
        cause="sandbox",
        words="exit status 226",
    ),
    Failure(
        name="crash",
        lines=f"ExecStart={PYTHON} 'import ctypes; ctypes.string_at(0)'",
        cause="crashed",
        words="SIGSEGV",
    ),
    Failure(
        name="name",
        lines=f"ExecStart={PYTHON} 'import socket; socket.create_connection((\"nosuch.invalid\", 80))'",
        cause="dns",
        words="could not be resolved",
    ),
    Failure(
        name="files",
        lines=f"LimitNOFILE=16\nExecStart={PYTHON} 'a = [open(\"/dev/null\") for _ in range(99)]'",
        cause="too-many-open-files",
        words="Too many open files",
    ),
    Failure(
        name="limit",
        lines="Restart=always\nRestartSec=10ms\nExecStart=/bin/false",
        cause="start-limit",
        words="started too often",
    ),
    Failure(name="kill", lines="ExecStart=/bin/sleep 999", cause="killed", words="SIGKILL"),
    Failure(
        name="dog",
        lines="Type=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 999'",
        cause="hang",
        words="WatchdogSec=",
    ),
    Failure(
        name="unready",
        lines="Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 999",
        cause="slow-start",
        words="ready",
    ),
)


@pytest.fixture(scope="module")
def stage_host() -> Iterator[Host]:
    """Yield a host whose journal hears the kernel: it tells of memory and of crashes."""
    host = Host.up("causes", installed=True, kernel_log=True)
    furnish(host)
    yield host
    host.down()


def test_each_cause_is_named_first_from_a_real_failure(stage: Stage) -> None:
    for one in FAILURES:
        stage.behave(one.name)
        if one.before:
            stage.host.run(["sh", "-ec", one.before])
        stage.service(f"{one.name}.service", f"[Service]\n{one.lines}\n", start=False)
    names = [f"{one.name}.service" for one in FAILURES]
    stage.host.run(["systemctl", "start", "--no-block", *names])
    stage.until(lambda: _failed(stage, names, but="kill.service"), within=20, what="the failures")
    stage.signal("kill.service")
    checks = [f"- {{name: {f.name}, kind: unit, unit: {f.name}.service, confirm: {CONFIRM}}}" for f in FAILURES]

    stage.begin("\n".join(checks))
    stage.until(lambda: len(_explained(stage)) == len(FAILURES), within=60, what="a cause for each")

    found = _explained(stage)
    said = {one.name: (found[one.name]["cause"], one.words in found[one.name]["because"]) for one in FAILURES}
    assert said == {one.name: (one.cause, True) for one in FAILURES}


def _failed(stage: Stage, names: list[str], but: str) -> bool:
    states = stage.host.run(["systemctl", "is-failed", *names], check=False).stdout.split()
    return all(state == "failed" or name == but for name, state in zip(names, states, strict=True))


def _explained(stage: Stage) -> dict[str, Incident]:
    return {one["check"]: one for one in stage.incidents() if one["cause"] is not None}
