"""Jobs that Debian's cron runs under `opsagent job`: one is left out, one fails, one hangs; what it mails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.host.scenarios.stage import CONFIRM

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Stage

QUICK = f"confirm: {CONFIRM}, criticality: important"
CHECKS = f"""
- {{name: left-out, kind: job, cron: "* * * * *", grace: 3s, {QUICK}}}
- {{name: broken, kind: job, cron: "* * * * *", {QUICK}}}
- {{name: stuck, kind: job, cron: "* * * * *", max_runtime: 1s, {QUICK}}}
- {{name: fine, kind: job, every: 1h, user: nobody}}
- {{name: stranger, kind: job, every: 1h}}
- {{name: early, kind: job, every: 1h}}
"""
OURS = "/usr/local/bin/opsagent job"
# cron's own world: /bin/sh, PATH=/usr/bin:/bin, no terminal, and all output is mailed. At its start the daemon is down.
WHEN_UP = f"test -e /run/up && exec {OURS}"
CRONTAB = f"""
@reboot root {OURS} early -- true
@reboot nobody {OURS} fine -- echo spoken
#* * * * * root {WHEN_UP} left-out -- true
* * * * * root {WHEN_UP} broken -- sh -c 'echo no space left >&2; exit 3'
* * * * * root {WHEN_UP} stuck -- sh -c 'trap "exit 4" TERM; echo $PPID >/run/stuck; while :; do sleep 0.1; done'
* * * * * nobody {WHEN_UP} fine -- true
* * * * * nobody {WHEN_UP} stranger -- true
"""
SENDMAIL = "#!/bin/sh\nsed -n 's/^Subject: .* job /== /p; 1,/^$/!p' >/srv/mail/$(date +%s%N)\n"
CRON = """
install -d -m 1777 /srv/mail
chmod 755 /usr/sbin/sendmail
rm -f /etc/cron.d/* /run/crond.reboot
cat >/etc/cron.d/jobs
systemctl unmask -q cron.service
systemctl start cron.service
"""
ALLOWED = "allowed: root and members of the group opsagent"
PATIENCE = 90  # seconds: cron looks at its tables once a minute, each job starts a Python, and the machine may be busy


def mails(stage: Stage) -> str:
    return stage.host.run(["sh", "-c", "cat /srv/mail/* 2>/dev/null || :"]).stdout


def job(stage: Stage, name: str) -> dict[str, Any]:
    return next(one for one in stage.json("jobs") if one["name"] == name)


def test_of_crons_jobs_one_left_out_one_that_fails_and_one_that_hangs_are_three_incidents(stage: Stage) -> None:
    host = stage.host
    stage.begin(CHECKS, "http: {}")
    host.run(["systemctl", "stop", "opsagent.service"])
    host.write("/usr/sbin/sendmail", SENDMAIL)
    host.run(["sh", "-ec", CRON], stdin=CRONTAB)
    stage.until(lambda: "spoken" in mails(stage), within=PATIENCE, what="the mail of what ran while we were down")
    host.run(["systemctl", "start", "opsagent.service"])
    stage.good("early")
    host.write("/run/up", "")

    failed = stage.incident("broken", within=PATIENCE)
    hangs = stage.incident("stuck", within=PATIENCE)
    stage.incident("left-out", lambda one: one["state"] == "paged", within=PATIENCE)
    stage.until(lambda: "stranger" in mails(stage) and "broken" in mails(stage), within=PATIENCE, what="cron's mail")
    jobs = {one["name"]: one for one in stage.json("jobs")}

    assert "with exit status 3" in failed["reason"]
    assert failed["reason"].endswith(": no space left")
    assert hangs["reason"].startswith("has been running since ")
    assert hangs["reason"].endswith("longer than max_runtime 1s")
    late = stage.incident("left-out")
    assert late["severity"] == "SEV2"
    assert re.match(r"has never run since it is watched \(.*\): was due .*, with 3s of grace", late["reason"])
    assert {name: job["state"] for name, job in jobs.items()} == {
        "left-out": "missing",
        "broken": "failed",
        "stuck": "too_long",
        "fine": "ok",
        "stranger": "new",
        "early": "ok",
    }
    said = "opsagent: cannot tell that {} ended well: "
    assert set(mails(stage).splitlines()) == {
        "== fine -- echo spoken",
        "spoken",
        f"{said.format('fine')}the daemon is down, and nobody cannot leave word for it, {ALLOWED}",
        "== broken -- sh -c 'echo no space left >&2; exit 3'",
        "no space left",
        "== stranger -- true",
        f"{said.format('stranger')}cannot do this as nobody, {ALLOWED}, and for a job the `user` that its check names",
    }

    host.run(["sh", "-c", "rm /etc/cron.d/jobs; kill $(cat /run/stuck)"])
    stage.until(lambda: job(stage, "stuck")["state"] == "failed", what="the end of what hung")
    assert re.match(r"failed .* with exit status 4 after .* s", job(stage, "stuck")["message"])
    stage.until(lambda: "no space left" in stage.record(), what="its last words in its file")
    assert len(stage.incidents()) == 3
    url = "http://127.0.0.1:9645/ping/$(cat /var/lib/opsagent/http.token)/broken"
    host.run(["sh", "-c", f"/usr/bin/python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1])' {url}"])
    stage.healed("broken")
