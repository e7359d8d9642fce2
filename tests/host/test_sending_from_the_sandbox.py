"""Every notifier works from inside the shipped unit's sandbox, as its user; an unlisted restart is refused there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.host.harness import Host

PROBE = """
import dataclasses, json, sys, threading
from datetime import datetime, UTC
from http.server import BaseHTTPRequestHandler, HTTPServer
from opsagent import remedies
from opsagent.core.message import Message, MessageKind
from opsagent.core.order import Order
from opsagent.notifiers import apprise, command, journal, webhook

got = []

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
now = datetime.now(UTC)
page = Message(key="k", kind=MessageKind.PAGE, host="h", title="sent from the sandbox", body="b", reason="r", as_of=now)
channels = {
    "webhook": webhook.Notifier(url=f"http://127.0.0.1:{port}/"),
    "webhook by name": webhook.Notifier(url=f"http://localhost:{port}/"),
    "apprise": apprise.Notifier(url=f"json://127.0.0.1:{port}/"),
    "command": command.Notifier(command=("/usr/bin/env",)),
    "journal": journal.Notifier(),
}
sent = {}
for name, channel in channels.items():
    try:
        sent[name] = [found.target.partition("-")[0].partition(":")[0] for found in channel.send(page, now=now)]
    except Exception as error:
        sent[name] = repr(error)
restart = remedies.kind("restart")().act(Order(unit="bystander.service"))
ran = remedies.kind("command")().act(Order(unit="", command=("/usr/bin/id", "-un")))
found = {"sent": sent, "got": got, "restart": [restart.result, restart.error], "command": [ran.result, *ran.output]}
open("/var/lib/opsagent/probe.json", "w").write(json.dumps(found))
"""
DROP_IN = """
[Unit]
OnFailure=
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/opt/opsagent/bin/python /usr/local/lib/probe.py
"""


def test_everything_is_sent_and_nothing_unlisted_is_done(installed_host: Host) -> None:
    installed_host.write("/usr/local/lib/probe.py", PROBE)
    installed_host.write("/etc/systemd/system/opsagent.service.d/probe.conf", DROP_IN)
    installed_host.unit("bystander.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    installed_host.run(["systemctl", "start", "bystander.service"])
    before = installed_host.show("bystander.service", "InvocationID")

    installed_host.run(["systemctl", "start", "opsagent.service"])

    found = json.loads(installed_host.read("/var/lib/opsagent/probe.json"))
    written = installed_host.run(["journalctl", "-p", "crit", "-o", "cat", "_UID=" + uid(installed_host)]).stdout
    assert found["sent"] == {
        "webhook": ["127.0.0.1"],
        "webhook by name": ["localhost"],
        "apprise": ["json"],
        "command": ["/usr/bin/env"],
        "journal": ["journal"],
    }
    assert [json.loads(text)["title"] for text in found["got"]] == ["sent from the sandbox"] * 3
    assert "sent from the sandbox" in written
    assert found["restart"][0] == "refused"
    assert found["restart"][1].startswith("polkit does not allow it (AccessDenied)")
    assert found["command"] == ["done", "opsagent"]
    assert installed_host.show("bystander.service", "InvocationID") == before


def uid(host: Host) -> str:
    return host.run(["id", "-u", "opsagent"]).stdout.strip()
