"""A real daemon behind the HTTP door: a ping, a report, an alert that fires and is over."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

from tests.interfaces.cli.test_program import running, wait_for
from tests.interfaces.web.test_routes import FIRING, TOKEN, UUID, payload

if TYPE_CHECKING:
    from tests.interfaces.instance import Instance

SETTINGS = """\
state: {state}
http: {{listen: "127.0.0.1:{port}", token_file: {token}}}
checks:
  - {{name: backup, kind: job, every: 1h, uuid: {uuid}}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}"})
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def by_check(instance: Instance) -> dict[str, dict[str, Any]]:
    return {one["check"]: one for one in instance.json("incidents")}


def test_pings_reports_and_alerts_come_in_over_http_and_the_token_is_nowhere(instance: Instance) -> None:
    port, token = free_port(), instance.directory / "token"
    token.write_text(f"{TOKEN}\n")
    instance.settings.write_text(SETTINGS.format(state=instance.state, port=port, token=token, uuid=UUID))
    with running(instance):
        assert ask(port, "POST", f"/ping/{UUID}/2", f"no disk for {TOKEN}".encode()) == (200, "OK")
        assert ask(port, "POST", "/api/raise", b'{"text": "it is slow", "service": "shop"}')[0] == 200
        assert ask(port, "POST", "/api/alertmanager", payload(FIRING))[0] == 200
        wait_for(lambda: len(by_check(instance)) == 3, "three incidents", instance)
        found = by_check(instance)
        assert found["backup"]["reason"].startswith("failed ")
        assert (found["shop"]["severity"], found["shop"]["raised_by"]) == ("SEV3", "http")
        assert (found["DiskFull"]["severity"], found["DiskFull"]["reason"]) == (
            "SEV1",
            "/srv is full (instance db-1:9100)",
        )
        assert found["DiskFull"]["first_bad_at"] == "2026-11-18T11:00:00.123Z"

        assert ask(port, "POST", "/api/alertmanager", payload(FIRING))[1].endswith("says the same")
        assert ask(port, "POST", "/api/alertmanager", payload({**FIRING, "status": "resolved"}))[0] == 200
        assert by_check(instance)["DiskFull"]["state"] == "resolved"
        status, figures = ask(port, "GET", "/metrics")
        assert status == 200
        assert 'opsagent_check_status{check="backup",status="critical"} 1\n' in figures
        assert json.dumps(instance.json("show", found["backup"]["id"])).count(TOKEN) == 0

    kept = b"".join(path.read_bytes() for path in instance.state.rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept
    assert UUID.encode() not in kept
