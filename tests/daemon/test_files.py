"""What the daemon leaves for those who look after it."""

from __future__ import annotations

from opsagent import remedies
from opsagent.daemon import files
from opsagent.interfaces import known
from opsagent.settings import load_text

SETTINGS = """
checks:
  - {name: port, kind: tcp, port: 8080, unit: api.service}
  - {name: page, kind: http, url: "http://127.0.0.1:8080/health", unit: api.service}
  - {name: root-disk, kind: disk, path: /}
"""


def test_the_health_check_is_told_each_thing_once() -> None:
    checks, notifiers = known.kinds()

    watch = files.watch_list(load_text(SETTINGS, checks, remedies.KINDS, notifiers))

    assert (watch["units"], watch["ports"], watch["paths"]) == (["api.service"], [8080], ["/"])
    assert watch["urls"] == ["http://127.0.0.1:8080/health"]
