"""The rest of the host's tongue on a booted host: sockets and their units, evidence, discovery, polkit's own answer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from opsagent.core.diagnosis.exits import OF_SYSTEMD
from opsagent.host.polkit import RULES_FILE, rule
from tests.host.harness import TREE, Host

WEB = """\
import http.server, json
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps({"status": "ok"}).encode())
http.server.HTTPServer(("127.0.0.1", 8123), Page).serve_forever()
"""
UNITS = {
    "web.service": "[Service]\nDynamicUser=yes\nExecStart=/usr/bin/python3 /usr/local/share/web.py\n",
    "waiting.socket": "[Socket]\nListenStream=127.0.0.1:8124\n",
    "waiting.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "quiet.service": "[Service]\nExecStart=/usr/bin/python3 -c 'import socket, time;"
    ' s = socket.create_server(("127.0.0.1", 6000)); time.sleep(1000)\'\n',
    "broken.service": "[Service]\nExecStart=/bin/sh -c 'echo cannot open the vault >&2; exit 3'\n",
    "allowed.service": "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n",
    "forbidden.service": "[Service]\nExecStart=/bin/sleep 1000\n",
}


@pytest.fixture(scope="module")
def host(shared_host: Host) -> Host:
    shared_host.write("/usr/local/share/web.py", WEB)
    script = "".join(f"cat >/etc/systemd/system/{name} <<'END'\n{text}END\n" for name, text in UNITS.items())
    start = "systemctl start web.service waiting.socket quiet.service allowed.service forbidden.service\n"
    shared_host.run(["sh", "-e"], stdin=f"{script}systemctl daemon-reload\n{start}systemctl start broken.service\n")
    shared_host.wait_for(
        lambda: shared_host.show("broken.service", "ActiveState") == "failed", within=10, what="the failure"
    )
    for port in ("8123", "6000"):
        look = ["ss", "-Hltn", f"sport = :{port}"]
        shared_host.wait_for(lambda look=look: shared_host.run(look).stdout, within=10, what=f"port {port}")
    return shared_host


def ask(host: Host, *lines: str, nobody: bool = False, group: str = "") -> Any:
    """Return what a program inside says, as JSON; nobody may be in a group."""
    groups = f"[grp.getgrnam({group!r}).gr_gid]" if group else "[]"
    drop = f"os.setgroups({groups}); os.setgid(65534); os.setuid(65534)" if nobody else ""
    script = "\n".join(
        (
            "import dataclasses, encodings.idna, grp, json, os",  # what is loaded late must be readable to nobody too
            "from datetime import timedelta",
            "from opsagent.host import discovery, evidence, listeners",
            "from opsagent.host.systemd import Systemd, utc_now",
            "def say(value): print(json.dumps(value, default=dataclasses.asdict))",
            drop,
            *lines,
        )
    )
    python = ["env", f"PYTHONPATH={TREE}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-c", script]
    return json.loads(host.run(python).stdout)


@pytest.mark.parametrize("nobody", [False, True])
def test_the_unit_behind_a_port_is_known_to_anybody(host: Host, nobody: bool) -> None:
    found = {one["port"]: one for one in ask(host, "say(listeners.listeners())", nobody=nobody)}

    assert {port: found[port]["unit"] for port in (8123, 8124, 6000)} == {
        8123: "web.service",
        8124: "waiting.socket",
        6000: "quiet.service",
    }
    assert found[8123]["process"] == "python3"
    assert found[8123]["address"] == "127.0.0.1"


def test_evidence_is_the_log_who_listens_processes_memory_and_the_kernel(host: Host) -> None:
    found = ask(host, "say(evidence.gather('broken.service', utc_now() - timedelta(days=365)))")

    parts = {part["title"]: part for part in found["parts"]}
    titles = ["unit", "log", "listeners", "memory and load", "processes", "disk traffic", "nearly full", "kernel"]
    assert list(parts) == titles
    assert [part["unread"] for part in parts.values()] == [""] * 8
    assert parts["unit"]["lines"] == [
        "failed (failed), result exit-code, its main process exited with status 3",
        "loaded, static, restarted by systemd 0 times",
    ]
    assert any("cannot open the vault" in line for line in parts["log"]["lines"])
    assert "tcp 127.0.0.1 port 8123: web.service (python3)" in parts["listeners"]["lines"]
    assert [line.split()[0] for line in parts["processes"]["lines"]] == ["processor"] * 5 + ["memory"] * 5
    assert any("python3" in line for line in parts["processes"]["lines"])
    assert parts["memory and load"]["lines"][0].startswith("memory ")
    assert len(parts["kernel"]["lines"]) <= 200
    assert max(len(line) for part in parts.values() for line in part["lines"]) <= 500


def test_evidence_that_may_not_be_read_says_so(host: Host) -> None:
    found = ask(host, "say(evidence.gather('broken.service', utc_now() - timedelta(minutes=5)))", nobody=True)

    log, listeners = found["parts"][1:3]
    assert (log["lines"], log["unread"][:24]) == ([], "cannot read the journal:")
    assert listeners["lines"]


def test_the_log_is_read_without_root_by_a_member_of_the_journals_group(host: Host) -> None:
    since = "utc_now() - timedelta(days=365)"
    found = ask(host, f"say(evidence.gather('broken.service', {since}))", nobody=True, group="systemd-journal")

    log = next(part for part in found["parts"] if part["title"] == "log")
    assert any("cannot open the vault" in line for line in log["lines"])


def test_discovery_finds_what_is_here_and_touches_nothing_else(host: Host) -> None:
    found = ask(host, "say(discovery.discover(Systemd()))", nobody=True)

    by_kind: dict[str, dict[str, Any]] = {}
    for finding in found:
        by_kind.setdefault(finding["kind"], {})[finding["name"]] = finding
    assert set(by_kind["service"]) == {"quiet.service", "web.service"}
    assert by_kind["service"]["web.service"]["note"] == "listens on tcp 8123"
    assert list(by_kind["health"]) == ["http://127.0.0.1:8123/health"]
    assert by_kind["health"]["http://127.0.0.1:8123/health"]["unit"] == "web.service"
    assert set(by_kind["not_asked"]) == {"tcp 6000", "tcp 8124"}
    assert "start the service" in by_kind["not_asked"]["tcp 8124"]["note"]
    assert by_kind["failed_unit"]["broken.service"]["note"] == "failed: exit-code"
    assert list(by_kind["file_system"]) == ["/"]
    assert 0 < by_kind["memory"]["memory"]["percent"] < 100
    assert by_kind["processor"]["processor"]["note"].endswith(" processors")
    assert host.show("waiting.service", "ActiveState") == "inactive"
    assert "Traceback" not in host.run(["journalctl", "-u", "web.service", "-o", "cat"]).stdout


def test_discovery_without_time_asks_nobody(host: Host) -> None:
    found = ask(host, "say(discovery.discover(Systemd(), budget=timedelta()))")

    assert [
        finding["note"] for finding in found if finding["name"] == "tcp 8123" and finding["kind"] == "not_asked"
    ] == ["no time left"]
    assert not [finding for finding in found if finding["kind"] == "health"]


def test_polkit_itself_grants_exactly_the_named_units_and_verbs(host: Host) -> None:
    granted = {"allowed.service": ["restart", "reload"], "broken.service": ["reset-failed"]}
    host.write(RULES_FILE, rule(granted, user="nobody"))
    host.run(["systemctl", "restart", "polkit.service"])

    answers = ask(
        host,
        "systemd = Systemd()",
        "wait = timedelta(seconds=10)",
        "say({",
        "  'restart allowed': systemd.job('restart', 'allowed.service', wait).result,",
        "  'reload allowed': systemd.job('reload', 'allowed.service', wait).result,",
        "  'reset broken': systemd.reset_failed('broken.service').result,",
        "  'reset allowed': systemd.reset_failed('allowed.service').error,",
        "  'restart broken': systemd.job('restart', 'broken.service', wait).error,",
        "  'restart forbidden': systemd.job('restart', 'forbidden.service', wait).error,",
        "})",
        nobody=True,
    )
    others = {
        verb: host.run(["systemctl", "--no-ask-password", verb, "allowed.service"], user="nobody", check=False)
        for verb in ("stop", "start", "kill")
    }

    denied = "polkit does not allow it (AccessDenied)"
    assert {question: answer.partition("; ")[0] for question, answer in answers.items()} == {
        "restart allowed": "done",
        "reload allowed": "done",
        "reset broken": "done",
        "reset allowed": denied,
        "restart broken": denied,
        "restart forbidden": denied,
    }
    assert {verb: "Access denied" in done.stderr for verb, done in others.items()} == dict.fromkeys(others, True)
    assert host.show("allowed.service", "ActiveState") == "active"


def test_the_table_of_exit_statuses_is_systemds_own() -> None:
    listed = subprocess.run(["systemd-analyze", "exit-status"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[1:]]
    theirs = {int(status) for name, status, kind in rows if kind == "systemd" and name != "EXCEPTION"}

    assert theirs - set(OF_SYSTEMD) == set()
    assert {status for status in OF_SYSTEMD if status <= max(theirs)} == theirs
