"""When the watcher itself dies for good or falls silent, somebody is told, once, and the next start learns of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.host.harness import Host

if TYPE_CHECKING:
    from collections.abc import Iterator

RECEIVER = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open("/srv/got", "ab") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])) + b"\\n")
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", 9009), Handler).serve_forever()
"""
SETTINGS = """\
checks: [{name: receiver, kind: listen, port: 9009, unit: receiver.service}]
notifiers: [{name: hook, kind: webhook, url: "http://127.0.0.1:9009/hook"}]
"""


@pytest.fixture(scope="module")
def watched() -> Iterator[Host]:
    """Yield a host whose opsagent has a webhook to tell people by."""
    host = Host.up("rescue", installed=True)
    host.write("/srv/receiver.py", RECEIVER)
    host.unit("receiver.service", "[Service]\nExecStart=/usr/bin/python3 /srv/receiver.py\n")
    host.write("/etc/opsagent/opsagent.yaml", SETTINGS)
    host.run(
        ["systemctl", "enable", "--now", "--quiet", "receiver.service", "opsagent.service"], check=False, timeout=90
    )
    host.wait_for(lambda: host.show("opsagent.service", "ActiveState") == "active", within=30, what="the daemon")
    yield host
    host.down()


def told(host: Host) -> list[dict[str, str]]:
    """Return what the receiver was told of the watcher itself."""
    lines = host.run(["cat", "/srv/got"], check=False).stdout.splitlines()
    return [message for message in map(json.loads, lines) if message["event"] == "watcher_down"]


def look(host: Host) -> str:
    """Let the health check look as the timer does, and return what it said last."""
    host.run(["systemctl", "start", "opsagent-healthcheck.service"])
    host.run(["journalctl", "--sync"])
    return host.run(["journalctl", "-u", "opsagent-healthcheck", "-t", "healthcheck.py", "-o", "cat", "-n", "1"]).stdout


def test_the_timer_waits_with_the_daemon(watched: Host) -> None:
    assert watched.show("opsagent-healthcheck.timer", "ActiveState") == "active"


def test_a_living_watcher_is_fine(watched: Host) -> None:
    assert look(watched).startswith("OK - opsagent looked ")


def test_a_frozen_watcher_is_told_and_becomes_known_at_the_next_start(watched: Host) -> None:
    watched.run(["systemctl", "kill", "-s", "STOP", "opsagent.service"])
    old = '{"at": "2026-01-01T00:00:00+00:00", "fast_loop_at": "2026-01-01T00:00:00+00:00"}'
    watched.run(["sh", "-c", f"echo '{old}' >/var/lib/opsagent/heartbeat.json"])

    said = look(watched)
    look(watched)

    assert said.startswith("CRITICAL - opsagent has not looked for ")
    assert [message["reason"] for message in told(watched)] == [said.removeprefix("CRITICAL - ").strip()]
    assert len(watched.run(["ls", "/var/lib/opsagent/spool"]).stdout.split()) == 1

    watched.run(["systemctl", "kill", "-s", "KILL", "opsagent.service"])
    watched.wait_for(
        lambda: watched.run(["ls", "/var/lib/opsagent/spool"]).stdout == "", within=30, what="the spool to be read"
    )


def test_a_daemon_that_cannot_start_is_told_at_once(watched: Host) -> None:
    before = len(told(watched))
    drop_in = "/run/systemd/system/opsagent.service.d/fail.conf"
    watched.write(drop_in, "[Unit]\nStartLimitBurst=2\n[Service]\nRestartSec=50ms\nExecStart=\nExecStart=/bin/false\n")
    watched.run(["systemctl", "daemon-reload"])
    watched.run(["systemctl", "reset-failed", "opsagent.service"], check=False)

    watched.run(["systemctl", "restart", "opsagent.service"], check=False)

    watched.wait_for(lambda: len(told(watched)) > before, within=30, what="the rescue to tell")
    assert told(watched)[-1]["reason"].startswith("opsagent failed (exit-code)")


def test_a_watcher_that_was_stopped_by_a_person_tells_nobody(watched: Host) -> None:
    watched.run(["rm", "-rf", "/run/systemd/system/opsagent.service.d"])
    watched.run(["systemctl", "daemon-reload"])
    watched.run(["systemctl", "reset-failed", "opsagent.service"], check=False)
    watched.run(["systemctl", "stop", "opsagent.service"])
    before = len(told(watched))

    said = look(watched)

    assert said == "WARNING - opsagent is dead (success); nobody is told\n"
    assert len(told(watched)) == before
