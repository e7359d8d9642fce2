"""What the service in its sandbox tells of itself: a page in the memory, figures where node_exporter reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.host.installed import asked

if TYPE_CHECKING:
    from tests.host.harness import Host

FOLDER = "/var/lib/node"
MEMORY = "/var/lib/opsagent/memory"
SETTINGS = f"""
zone: Europe/Berlin
metrics: {{textfile: {FOLDER}/opsagent.prom}}
checks:
  - {{name: hostname, kind: file, path: /etc/hostname}}
"""


def finding(host: Host, about: str) -> dict[str, Any]:
    said: list[dict[str, Any]] = json.loads(host.run(["opsagent", "doctor", "--json"], check=False).stdout)
    return next(one for one in said if one["about"] == about)


def troubles(host: Host) -> str:
    return str(asked(host, "status")["troubles"])


def test_the_figures_reach_node_exporter_once_it_may_write_there_and_the_page_is_written(installed_host: Host) -> None:
    host = installed_host
    host.run(["install", "-d", "-m", "755", FOLDER])
    host.write("/etc/opsagent/opsagent.yaml", SETTINGS, 0o644)
    host.run(["systemctl", "start", "opsagent.service"])

    host.wait_for(lambda: "the textfile cannot be written" in troubles(host), within=30, what="the trouble to be said")
    assert "Read-only file system" in troubles(host)
    said = finding(host, "metrics")
    assert (said["level"], said["do"]) == ("warn", f"chgrp opsagent {FOLDER}; chmod g+w {FOLDER}")

    host.run(["sh", "-ec", said["do"]])
    host.run(["sh", "-ec", "opsagent install --refresh; systemctl daemon-reload; systemctl restart opsagent.service"])

    host.wait_for(
        lambda: host.run(["test", "-e", f"{FOLDER}/opsagent.prom"], check=False).returncode == 0,
        within=30,
        what="the textfile",
    )
    assert finding(host, "metrics")["level"] == "ok"
    assert "textfile" not in troubles(host)
    told = host.run(["cat", f"{FOLDER}/opsagent.prom"], user="nobody").stdout
    assert "opsagent_running 1\n" in told
    for figures in (told, host.run(["opsagent", "metrics"], user="nobody").stdout):
        host.run(["sh", "-ec", f"promtool check metrics <<'END'\n{figures}END"])

    page = host.read(f"{MEMORY}/status.html")
    assert "nothing needs you" in page
    assert host.run(["stat", "-c", "%U %G %a", f"{MEMORY}/status.html"]).stdout == "opsagent opsagent 660\n"
    host.run(["systemctl", "stop", "opsagent.service"])
    assert json.loads(host.read(f"{MEMORY}/status.json"))["level"] == "down"
    assert "opsagent_running 0\n" in host.read(f"{FOLDER}/opsagent.prom")
