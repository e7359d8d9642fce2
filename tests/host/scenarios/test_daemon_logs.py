"""Logs: a burst of errors in nginx's own file is one incident, which clears when the errors end."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.host.scenarios.stage import QUICK

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage

CONFIG = """
pid /run/scenario-nginx.pid;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:18311; location / { proxy_pass http://127.0.0.1:18312; } }
}
"""
LOG = "/var/log/nginx/error.log"


def test_a_burst_of_errors_in_nginxs_log_is_one_incident_that_clears(stage: Stage) -> None:
    stage.host.write("/srv/nginx.conf", f"error_log {LOG};{CONFIG}")
    stage.host.run(["sh", "-c", f"mkdir -p /var/log/nginx; install -m 640 -g adm /dev/null {LOG}"])
    stage.service("front.service", "[Service]\nType=forking\nExecStart=/usr/sbin/nginx -c /srv/nginx.conf\n")
    count = f"{{name: front-errors, kind: journal, file: {LOG}, within: 6s, criticality: critical, {QUICK}}}"
    stage.begin(f"- {count}")
    stage.good("front-errors")

    burst = "for i in $(seq 30); do curl -s -o /dev/null 'http://127.0.0.1:18311/?password=hunter2-hunter2'; done"
    stage.host.run(["sh", "-c", f"{burst}; mv {LOG} {LOG}.1; nginx -c /srv/nginx.conf -s reopen; {burst}"])
    incident = stage.healed("front-errors", within=30)

    assert re.match(rf"[2-6][0-9] errors of {LOG} in 6 s", incident["reason"])
    assert "connect() failed (111: Connection refused)" in stage.record()
    assert "hunter2-hunter2" not in stage.record()
    assert not any("connect()" in one["body"] for one in stage.told())
    assert len(stage.incidents()) == 1


SHOUT = """
for i in $(seq {count}); do echo "<4>slow query took $i ms"; done | systemd-cat --level-prefix=1 -t shop
for i in 1 2 3; do systemd-run -q --wait --unit=job-$RANDOM.service sh -c 'exit 3' || :; done
journalctl --sync
"""
NEW = "ERROR cannot reach replica 10.0.0.7: password=hunter2-hunter2 refused"
PRINTED = f"systemd-run -q --wait --unit=stock.service echo '{NEW}'; journalctl --sync"


def test_a_review_of_real_logs_names_the_one_new_kind_in_the_head_of_the_day(stage: Stage) -> None:
    stage.begin(f"- {{name: host, kind: file, path: /etc/hosts, {QUICK}}}", settings=f"review: {{files: [{LOG}]}}")
    stage.good("host")

    first = _reviewed(stage, SHOUT.format(count=40), before=None)
    second = _reviewed(stage, SHOUT.format(count=30) + PRINTED, first)

    assert first["first"]
    assert first["new"] == []
    assert [(one["source"], one["priority"], one["count"]) for one in second["new"]] == [("stock.service", "err", 1)]
    assert second["most"][0] == {
        "source": "shop",
        "text": "slow query took <n> ms",
        "priority": "warning",
        "count": 30,
        "usual": 0,
    }
    day = stage.daily()
    assert "**Logs:** 1 error, 3" in day
    assert (
        "1 new kind: stock.service `ERROR cannot reach replica <ip>: password=[redacted:password:0:0000] refused`"
        in day
    )
    kept = stage.host.run(["sh", "-c", "cat /var/lib/opsagent/memory/daily/* /var/lib/opsagent/review/*"]).stdout
    assert "hunter2" not in kept


def _reviewed(stage: Stage, script: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """Let things be logged, ask for a review, and return it."""
    stage.host.run(["bash", "-c", script])
    stage.host.run(["opsagent", "review", "--now"])

    def last() -> Any:
        return json.loads(stage.host.run(["opsagent", "review", "--json"]).stdout)

    stage.until(lambda: last() != before, what="a review")
    found: dict[str, Any] = last()
    return found
