"""Jobs that timers run under `opsagent job`: one is left out, one fails, one hangs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.host.scenarios.stage import CONFIRM

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage

QUICK = f"confirm: {CONFIRM}, criticality: important"
CHECKS = f"""
- {{name: left-out, kind: job, every: 3s, grace: 2s, user: nobody, {QUICK}}}
- {{name: broken, kind: job, cron: "* * * * *", {QUICK}}}
- {{name: stuck, kind: job, every: 1h, max_runtime: 1s, {QUICK}}}
"""
JOB = "[Service]\nType=oneshot\nExecStart=/usr/local/bin/opsagent job {name} -- {command}\n{more}\n"
PATIENCE = 60  # seconds; each starts a Python of its own, and the machine may be busy
TIMER = "[Timer]\nOnActiveSec=100ms\nAccuracySec=1ms\n"


def job(stage: Stage, name: str, command: str, more: str = "") -> str:
    return stage.service(f"{name}.service", JOB.format(name=name, command=command, more=more), start=False)


def test_a_job_that_is_left_out_one_that_fails_and_one_that_hangs_are_three_incidents(stage: Stage) -> None:
    stage.begin(CHECKS, "http: {}")
    once = job(stage, "left-out", "/bin/true", "User=nobody")
    for name, command in (("broken", "/bin/sh -c 'echo no space left >&2; exit 3'"), ("stuck", "/bin/sleep infinity")):
        job(stage, name, command)
        stage.service(f"{name}.timer", TIMER)
    stage.host.run(["systemctl", "start", once])

    failed = stage.incident("broken", within=PATIENCE)
    hangs = stage.incident("stuck", within=PATIENCE)
    late = stage.incident("left-out", lambda one: one["state"] == "paged", within=PATIENCE)

    assert "with exit status 3" in failed["reason"]
    assert failed["reason"].endswith(": no space left")
    assert hangs["reason"].startswith("has been running since ")
    assert hangs["reason"].endswith("longer than max_runtime 1s")
    assert late["severity"] == "SEV2"
    assert re.match(
        r"(did not run|has never run since it is watched \(.*\)): was due .*, with 2s of grace", late["reason"]
    )
    assert len(stage.incidents()) == 3
    stage.until(lambda: "no space left" in stage.record(), what="its last words in its file")
    states = {one["name"]: one["state"] for one in stage.json("jobs")}
    assert (states["broken"], states["stuck"]) == ("failed", "too_long")
    assert states["left-out"] in {"late", "missing"}

    url = "http://127.0.0.1:9645/ping/$(cat /var/lib/opsagent/http.token)/broken"
    stage.host.run(["sh", "-c", f"/usr/bin/python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1])' {url}"])
    stage.healed("broken")
