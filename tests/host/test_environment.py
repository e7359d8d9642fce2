"""The environment of a real host: what is learned of it, a port that moved, a port that nobody announced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.harness import Host
from tests.host.installed import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = "/var/lib/opsagent/memory"
FILE = f"{MEMORY}/knowledge/environment.md"
SETTINGS = """\
heartbeat: 2s
fast_loop: 1s
checks:
  - {name: redis, kind: unit, unit: redis-server.service}
  - {name: www, kind: certificate, file: /etc/opsagent-test.pem}
"""
DROP_IN = (
    "[Service]\nEnvironment=CACHE_MODE=fast 'API_TOKEN=hunter2hunter2'\nEnvironmentFile=/etc/default/redis-extra\n"
)


@pytest.fixture(scope="module")
def redis_host() -> Iterator[Host]:
    """Yield a host where opsagent has looked once at redis and what is around it."""
    host = Host.up("environment", installed=True)
    host.write("/etc/systemd/system/redis-server.service.d/env.conf", DROP_IN)
    host.write("/etc/default/redis-extra", "DB_PASSWORD=hunter2hunter2\n", 0o600)
    host.write("/etc/opsagent/opsagent.yaml", SETTINGS, 0o640)
    certificate = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -days 90"
    script = f"""
    chgrp opsagent /etc/opsagent/opsagent.yaml
    {certificate} -subj /CN=www.example.org -out /etc/opsagent-test.pem 2>/dev/null
    systemctl daemon-reload
    systemctl start redis-server.service opsagent.service
    """
    host.run(["sh", "-ec", script], timeout=60)
    host.wait_for(lambda: "## Listeners" in _file(host), within=30, what="environment.md")
    _at_first[host.name] = (_file(host), _daily(host))
    yield host
    host.down()


_at_first: dict[str, tuple[str, str]] = {}
"""The environment and the day's story of a host as they were after the first look."""


def _file(host: Host) -> str:
    return host.run(["cat", FILE], check=False).stdout


def _daily(host: Host) -> str:
    return host.run(["sh", "-c", f"cat {MEMORY}/daily/*.md"]).stdout


def _said(host: Host, *words: str) -> Any:
    return json.loads(host.run(["opsagent", *words, "--json"], check=False, timeout=60).stdout)


def test_it_is_learned_with_names_of_variables_and_no_value(redis_host: Host) -> None:
    text, daily = _at_first[redis_host.name]

    assert "| redis-server | active | tcp 6379 | redis-server 5:7" in text
    assert "`/etc/default/redis-extra` is closed to opsagent, `API_TOKEN`, `CACHE_MODE`" in text
    assert "| tcp 6379 at 127.0.0.1, ::1 | redis-server | this host | redis |" in text
    assert "| /etc/opsagent-test.pem | www\\.example.org | 20" in text
    assert "opsagent-healthcheck.timer" in text
    everything = redis_host.run(["sh", "-c", f"cat {MEMORY}/*/*.md; strings /var/lib/opsagent/events.db*"]).stdout
    assert "hunter2" not in everything
    assert "changed:" not in daily


def test_a_redis_on_another_port_is_a_drift_within_one_heartbeat(redis_host: Host) -> None:
    redis_host.run(["sh", "-c", f"printf '\\n# ours\\nask ann first\\n' >>{FILE}"])
    beats = len(asked(redis_host, "incidents"))
    moved = "sed -i 's/^port 6379/port 6380/' /etc/redis/redis.conf && systemctl restart redis-server"
    redis_host.run(["sh", "-c", moved])

    redis_host.wait_for(
        lambda: "changed: redis-server: port 6379 → 6380" in _daily(redis_host), within=15, what="the drift"
    )
    redis_host.wait_for(lambda: "tcp 6380 at 127.0.0.1" in _file(redis_host), within=5, what="the new table")
    assert _file(redis_host).endswith("\n# ours\nask ann first\n")
    assert len(asked(redis_host, "incidents")) == beats
    assert asked(redis_host, "environment") == _said(redis_host, "environment")
    assert [one["port"] for one in asked(redis_host, "environment")["listeners"]] == [6380]


def test_a_port_that_nobody_announced_is_named_and_watched_after_one_command(redis_host: Host) -> None:
    serve = "systemd-run -q --unit surprise python3 -m http.server 8081 --bind 0.0.0.0"
    redis_host.run(["sh", "-c", serve])

    redis_host.wait_for(lambda: asked(redis_host, "incidents"), within=20, what="the incident")
    (incident,) = asked(redis_host, "incidents")
    assert (incident["check"], incident["severity"], incident["actions"]) == ("listener-tcp-8081", "SEV3", [])
    assert incident["reason"].startswith("surprise opened 0.0.0.0:8081 to the network")
    redis_host.wait_for(
        lambda: "`opsagent init --add surprise-8081`" in _file(redis_host), within=5, what="the unwatched port"
    )
    (finding,) = [one for one in _said(redis_host, "doctor") if one["about"] == "listeners"]
    assert finding["do"] == "opsagent init --add surprise-8081"

    path = _said(redis_host, "init", "--add", "surprise-8081")["path"]
    assert redis_host.run(["stat", "-c", "%U %G %a", path]).stdout.split() == ["root", "opsagent", "640"]
    redis_host.run(["systemctl", "reload", "opsagent.service"])

    redis_host.wait_for(lambda: not asked(redis_host, "environment")["unmonitored"], within=20, what="the watch")


def test_without_the_daemon_it_is_told_from_the_log(redis_host: Host) -> None:
    redis_host.run(["systemctl", "stop", "opsagent.service"])

    assert 6380 in [one["port"] for one in _said(redis_host, "environment")["listeners"]]
