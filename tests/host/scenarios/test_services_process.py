"""Remedies for a process, on a real host: a signal of root's, a stop on purpose, all that depends on a unit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.host.scenarios.stage import QUICK, SETTINGS, did

if TYPE_CHECKING:
    from tests.host.harness import Host
    from tests.host.scenarios.stage import Incident, Stage

# A service that can hang and, told to abort, says where. It is on its port all the while.
HANGS = """
import faulthandler, http.server, pathlib, sys, time
faulthandler.enable()
port, hang = int(sys.argv[1]), pathlib.Path(f"/srv/hang-{sys.argv[1]}")
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if hang.exists():
            hang.unlink()
            waits_for_a_lock_that_nobody_gives_back()
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
def waits_for_a_lock_that_nobody_gives_back():
    while True:
        time.sleep(1)
http.server.HTTPServer(("127.0.0.1", port), Answers).serve_forever()
"""
SERVICE = (
    "[Service]\nExecStart=/usr/bin/python3 /opt/scenario/hangs-{0}.py {0}\n[Install]\nWantedBy=multi-user.target\n"
)
SLEEP = "[Unit]\n{unit}\n[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy=multi-user.target\n"


def service(stage: Stage, name: str, port: int, repair: str) -> str:
    """Run a service that can hang; return its check."""
    stage.host.write(f"/opt/scenario/hangs-{port}.py", HANGS)  # its own: the one before may be reading
    stage.service(f"{name}.service", SERVICE.format(port))
    return f"- {{name: {name}, kind: http, url: 'http://127.0.0.1:{port}/', unit: {name}.service, {QUICK}, {repair}}}"


def acted(incident: Incident) -> list[tuple[str, str]]:
    return [one for one in did(incident) if one[1] != "refused"]


def granted(host: Host) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(host.read("/etc/opsagent/polkit.json"))["units"]
    return found


def may(host: Host, verb: str, unit: str) -> bool:
    ran = host.run(["systemctl", "--no-ask-password", verb, unit], user="opsagent", check=False)
    return "Access denied" not in ran.stderr and "authentication required" not in ran.stderr


def test_a_hung_service_says_where_before_it_is_restarted_and_a_stopped_process_is_woken(stage: Stage) -> None:
    hung = service(stage, "hung", 18601, "playbook: [{do: signal, name: SIGABRT, wait: 200ms}, restart]")
    frozen = service(stage, "frozen", 18602, "repair: [{do: signal, name: SIGCONT}]")
    stage.begin(f"{hung}\n{frozen}")
    stage.good("hung", "frozen")
    abort, wake = "opsagent-act-signal-sigabrt-hung.service", "opsagent-act-signal-sigcont-frozen.service"
    assert granted(stage.host) == {one: ["restart"] for one in ("hung.service", abort, wake)}

    stage.host.write("/srv/hang-18601", "")

    assert acted(stage.healed("hung", within=30)) == [("signal", "failed"), ("restart", "verified")]
    said = stage.host.run(["journalctl", "-b", "-o", "cat", "--no-pager", "-u", "hung.service"]).stdout
    assert "waits_for_a_lock_that_nobody_gives_back" in said

    before = stage.host.show("frozen.service", "InvocationID")
    stage.signal("frozen.service", "STOP")

    assert acted(stage.healed("frozen", within=30)) == [("signal", "verified")]
    assert stage.host.show("frozen.service", "InvocationID") == before

    # what may be asked for is that unit and that verb, and nothing near it
    assert may(stage.host, "restart", wake)
    near = [("start", wake), ("stop", "hung.service"), ("kill", "hung.service"), ("restart", "frozen.service")]
    assert not any(may(stage.host, *one) for one in near)


def test_what_was_stopped_stays_down_and_what_is_restarted_takes_its_dependants_along(stage: Stage) -> None:
    hog = service(stage, "hog", 18603, "repair: [stop]")
    base = service(stage, "base", 18604, "repair: [restart_with_dependants]")
    for name, unit in (("middle", ""), ("top", "PartOf=middle.service")):
        stage.service(f"{name}.service", SLEEP.format(unit=unit))
    middle = f"- {{name: middle, kind: unit, unit: middle.service, {QUICK}, depends_on: [base]}}"
    top = f"- {{name: top, kind: unit, unit: top.service, {QUICK}, depends_on: [middle]}}"
    stage.begin(f"{hog}\n{base}\n{middle}\n{top}")
    stage.good("hog", "base", "middle", "top")
    services = [f"{name}.service" for name in ("base", "middle", "top")]
    assert granted(stage.host) == {one: ["restart"] for one in (*services, "opsagent-act-stop-hog.service")}

    stage.host.write("/srv/hang-18603", "")

    stage.until(lambda: any("on purpose" in one for one in stage.titles()), within=30, what="somebody to be told")
    found = stage.incident("hog", lambda one: one["repair"] == "held", what="left alone")
    assert acted(found) == [("stop", "failed")]
    assert stage.host.show("hog.service", "ActiveState") == "inactive"
    assert stage.status("hog")["suppressed_by"] is None

    stage.host.write("/srv/hang-18604", "")

    healed = stage.healed("base", within=30)
    assert acted(healed) == [("restart_with_dependants", "verified")]
    assert healed["actions"][-1]["also"] == ["middle.service", "top.service"]
    assert [stage.starts(one) for one in services] == [2, 2, 2]
    began = [int(stage.host.show(one, "InactiveExitTimestampMonotonic")) for one in services]
    assert began == sorted(began)

    assert stage.starts("hog.service") == 1
    stage.host.run(["systemctl", "start", "hog.service"])
    stage.healed("hog")


def test_a_container_that_no_engine_has_is_told_in_the_engines_words(stage: Stage) -> None:
    unit = stage.api("boxed", 18605)
    url = "http://127.0.0.1:18605/health"
    docker = "repair: [{do: docker, name: boxed}]"
    stage.begin(f"- {{name: boxed, kind: http, url: '{url}', unit: {unit}, {QUICK}, {docker}}}")
    stage.good("boxed")

    stage.behave("boxed", always="500")

    found = stage.incident("boxed", lambda one: acted(one) and acted(one)[0][1] == "failed", what="a failed try")
    tried = next(one for one in found["actions"] if one["outcome"] == "failed")
    assert tried["remedy"] == "docker"
    stage.until(lambda: "no engine listens at /run/docker.sock" in stage.record() + stage.daily(), what="why")
    stage.host.write(SETTINGS, "checks: [{name: cpu, kind: cpu}]")
    stage.host.run(["opsagent", "install", "--refresh"])
    left = stage.host.run(["sh", "-c", "ls /etc/systemd/system | grep -c opsagent-act-"], check=False).stdout.strip()
    assert left == "0"
