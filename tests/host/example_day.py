"""Renew docs/examples by playing an eventful day, in some minutes, on a real host: `python -m tests.host.example_day`.

The rules are those of every host; only the looks come faster than anybody would set them, so that it does not take a
day.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from tests.host.harness import TREE, Host
from tests.host.scenarios.stage import Stage, furnish

EXAMPLES = TREE / "docs" / "examples"
MEMORY = "/var/lib/opsagent/memory"
CONFIRM = "{failures: 3, retry: 500ms, successes: 2, stable_for: 2s, resolve_after: 4s, start_within: 2s}"
QUICK = f"every: 2s, timeout: 1s, confirm: {CONFIRM}"
HEALTH = "expect: {json: {status: ok}}"
CHECKS = f"""
- {{name: redis, kind: tcp, port: 6379, send: "PING\\r\\n", expect: PONG, unit: redis-server.service, {QUICK}}}
- {{name: web, kind: http, url: "http://127.0.0.1/", unit: nginx.service, {QUICK}, repair: [restart]}}
- {{name: api, kind: http, url: "http://127.0.0.1:18080/health", unit: api.service, {QUICK}, {HEALTH},
    depends_on: [redis], repair: [restart]}}
- {{name: billing, kind: http, url: "http://127.0.0.1:18090/health", unit: billing.service, {QUICK}, {HEALTH},
    repair: [restart]}}
- {{name: orders, kind: http, url: "http://127.0.0.1:18100/next", unit: orders.service, {QUICK}, repair: [restart]}}
- {{name: srv-disk, kind: disk, path: /srv/data, {QUICK}}}
- {{name: ram, kind: memory}}
"""
SETTINGS = """
zone: Europe/Berlin
repair: {per_unit: {attempts: 2, waits: [2s]}}
escalation: {levels: [{name: on-call, notify: [hook]}, {name: secondary, notify: [hook], after: 10m}]}
"""
ABOUT = """\
# A bad day

What opsagent wrote and sent on one real day, nothing edited: [the day](daily/), [its incidents](incidents/), [what it
learned](failures/failure-archive.md), [the runbooks it drafted](ops/runbooks/), [what the host is
like](knowledge/environment.md), [what the phone showed](messages.md).

The day took a minute. `python -m tests.host.example_day` plays it on a test host with systemd, redis, nginx and two
small services, and writes this folder anew; looks came every two seconds and were believed after three. In it: an API
answers wrong once; is killed; billing is deployed with a broken configuration; orders meets a record that nobody
thought of and leaves [a pattern for the next time](failures/patterns/orders-exit.md); somebody stops redis; nginx is
killed while HOLD is set; a file system fills up; the settings change.
"""
BILLING = """\
#!/bin/sh
grep -q vat_rate /etc/billing/config.yml || { echo "config error: key vat_rate missing" >&2; exit 78; }
exec /usr/bin/python3 /opt/scenario/api.py 18090 /srv/billing
"""


ORDERS = """\
import http.server, json
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = json.load(open("/srv/orders/queue.json"))[0]["customer"]["name"]
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name.encode())
    def log_message(self, *said): pass
class Strict(http.server.HTTPServer):
    def handle_error(self, *asked): raise
Strict(("127.0.0.1", 18100), Answers).serve_forever()
"""
NEXT_ORDER = '[{"customer": {"name": "Marta"}}]'


def furnished(host: Host) -> Stage:
    """Return the stage with the services of a small shop on it, and somebody who is on call."""
    furnish(host)
    stage = Stage(host)
    host.run(["sh", "-c", "useradd --create-home --groups opsagent ann; systemctl enable -q --now redis-server nginx"])
    host.run(["sh", "-c", "mkdir -p /srv/data && mount -t tmpfs -o size=20m tmpfs /srv/data"])
    stage.api("api", 18080, redis=6379)
    host.write("/etc/billing/config.yml", "currency: EUR\nvat_rate: 19\n")
    host.write("/usr/local/bin/billing", BILLING, 0o755)
    unit = "[Unit]\n[Service]\nExecStart=/usr/local/bin/billing\n[Install]\nWantedBy=multi-user.target\n"
    stage.service("billing.service", unit, start=False)
    stage.behave("billing")
    host.write("/srv/orders/queue.json", NEXT_ORDER)
    host.write("/opt/orders/api.py", ORDERS)
    stage.service("orders.service", "[Service]\nExecStart=/usr/bin/python3 /opt/orders/api.py\n")
    host.run(["systemctl", "enable", "-q", "--now", "billing"])
    return stage


def play(stage: Stage) -> None:
    """Let happen what happens on a bad day, one thing after the other."""
    stage.begin(CHECKS, SETTINGS)
    stage.good("redis", "web", "api", "billing", "orders", "srv-disk")
    for act in (blip, killed, broken_config, odd_record, stopped_by_operator, held, filling_disk, changed_settings):
        act(stage)


def killed(stage: Stage) -> None:
    """A process is killed; the agent brings it back."""
    stage.signal("api.service")
    stage.healed("api", within=60)


def blip(stage: Stage) -> None:
    """One look fails, the next is good."""
    stage.behave("api", behave="500")
    stage.until(lambda: "bad look 1" in stage.status("api")["message"], what="one bad look")
    stage.behave("api", behave="ok")
    stage.until(lambda: "answered 200" in stage.status("api")["message"], what="a good look")


def broken_config(stage: Stage) -> None:
    """A key is missing since a deploy: restarts do not help, a person is called and puts it right."""
    host = stage.host
    host.write("/etc/billing/config.yml", "currency: EUR\n")
    host.run(["systemctl", "restart", "billing"])
    paged = stage.incident("billing", lambda one: one["state"] == "paged" and len(one["actions"]) > 1, what="paged")
    host.run(["opsagent", "ack", paged["id"], "--note", "rolling back the deploy"], user="ann")
    host.write("/etc/billing/config.yml", "currency: EUR\nvat_rate: 19\n")
    host.run(["systemctl", "restart", "billing"])
    stage.healed("billing", within=60)


def odd_record(stage: Stage) -> None:
    """Nobody thought of an order without a customer: whatever cause is unknown leaves a pattern with its evidence."""
    stage.host.write("/srv/orders/queue.json", '[{"customer": null}]')
    paged = stage.incident("orders", lambda one: one["state"] == "paged" and len(one["actions"]) > 1, what="paged")
    stage.host.run(["opsagent", "ack", paged["id"], "--note", "taking the order out"], user="ann")
    stage.host.write("/srv/orders/queue.json", NEXT_ORDER)
    stage.host.run(["sh", "-c", "systemctl reset-failed orders; systemctl restart orders"])
    stage.healed("orders", within=60)


def stopped_by_operator(stage: Stage) -> None:
    """A stop by hand is left alone, and so is what needs the stopped service."""
    stage.host.run(["systemctl", "stop", "redis-server"])
    stage.until(lambda: stage.status("api")["status"] == "critical", what="the api to miss redis")
    time.sleep(5)  # nothing may happen: there is nothing to wait for
    stage.host.run(["systemctl", "start", "redis-server"])
    stage.good("redis", "api")


def held(stage: Stage) -> None:
    """Under HOLD nothing is repaired; when it is lifted, it is."""
    stage.host.write("/etc/opsagent/HOLD", "network work until 14:00, ann\n")
    stage.until(lambda: "HOLD" in stage.daily(), what="the HOLD to be seen")
    stage.signal("nginx.service")
    stage.incident("web", lambda one: one["actions"], what="a refused repair")
    stage.host.run(["rm", "/etc/opsagent/HOLD"])
    stage.healed("web", within=60)


def filling_disk(stage: Stage) -> None:
    """A file system gets full: told by day, nobody is woken."""
    stage.host.run(["sh", "-c", "head -c 18M /dev/zero >/srv/data/upload.tmp"])
    stage.incident("srv-disk", what="a finding")


def changed_settings(stage: Stage) -> None:
    """Somebody watches one thing more."""
    more = "checks:\n- {name: mail, kind: tcp, port: 25, criticality: low, confirm: {failures: 9}}\n"
    stage.host.write("/etc/opsagent/conf.d/mail.yaml", more)
    stage.host.run(["systemctl", "reload", "opsagent"])
    stage.until(lambda: "settings applied" in stage.daily(), what="the settings to be applied")


def keep(stage: Stage) -> None:
    """Copy what came of it: the memory as it is on the host, and the messages as they arrived."""
    shutil.rmtree(EXAMPLES, ignore_errors=True)
    for name in stage.host.run(["find", MEMORY, "-name", "*.md"]).stdout.split():
        path = EXAMPLES / Path(name).relative_to(MEMORY)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(stage.host.read(name))
    said = [f"```\n{one['title']}\n{one['body']}\n```" for one in stage.told()]
    (EXAMPLES / "messages.md").write_text("# What the phone showed\n\n" + "\n\n".join(said) + "\n")
    (EXAMPLES / "README.md").write_text(ABOUT)


def main() -> int:
    """Play the day; return the exit code."""
    host = Host.up("web-1", installed=True)
    try:
        stage = furnished(host)
        play(stage)
        keep(stage)
    finally:
        host.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
