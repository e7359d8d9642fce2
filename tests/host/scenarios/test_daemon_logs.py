"""Logs: a burst of errors in nginx's own file is one incident, which clears when the errors end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
