"""Backups and acts on a real host: root's fenced units do the work, the daemon hears of it, the password is nowhere."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.host import installed
from tests.host.harness import Host
from tests.host.scenarios.stage import CONFIRM, SETTINGS, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct-horse-battery-staple-7391"
MEMORY = "/var/lib/opsagent/memory"
TEXT = f"""
host: web-1
zone: Europe/Berlin
repair: {{per_unit: {{waits: [200ms]}}}}
acts:
- {{name: put-back, command: [/usr/bin/touch, /srv/app/flag], writes: [/srv/app], backup_first: app}}
backups:
- {{name: app, kind: sqlite, database: /srv/app/app.db, to: /var/backups/app, drill: weekly}}
- {{name: files, kind: paths, paths: [/srv/keys], repository: /srv/repo, every: 6h, password_file: /etc/opsagent/pw}}
checks:
- name: flag
  kind: file
  path: /srv/app/flag
  every: 1s
  confirm: {CONFIRM}
  repair: [{{do: act, name: put-back}}]
- {{name: app-kept, kind: backup, job: app, every: 1s, confirm: {CONFIRM}}}
"""
DATABASE = """
import sqlite3
made = sqlite3.connect("/srv/app/app.db", isolation_level=None)
made.execute("PRAGMA journal_mode = WAL")
made.execute("CREATE TABLE t (a)")
made.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1000)])
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Yield a host whose opsagent runs, with a database and keys to keep."""
    made = Host.up("backups", installed=True)
    furnish(made)
    made.write("/etc/opsagent/pw", PASSWORD + "\n", 0o600)
    made.write("/srv/keys/wallet.key", "only mine\n", 0o600)
    made.write("/srv/app/flag", "")
    made.run(["useradd", "-M", "app"])
    made.run(["python3", "-c", DATABASE])
    made.run(["chown", "-R", "app:app", "/srv/app", "/srv/keys"])
    made.run(["install", "-m", "640", "-g", "opsagent", "/dev/stdin", SETTINGS], stdin=TEXT)
    made.run(["opsagent", "install", "--refresh"])
    made.run(["systemctl", "start", "opsagent"])
    yield made
    made.down()


def status(host: Host, check: str) -> dict[str, Any]:
    return next(one for one in installed.asked(host, "status")["checks"] if one["name"] == check)


def backups(host: Host) -> dict[str, Any]:
    rows = json.loads(host.run(["opsagent", "backup", "list", "--json"]).stdout)
    return {row["name"]: row for row in rows}


def lines_while(host: Host, unit: str) -> list[bytes]:
    """Start a unit, and return the command lines and variables of every restic that was seen until it ended."""
    seen: list[bytes] = []
    host.run(["systemctl", "start", "--no-block", unit])

    def is_over() -> bool:
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes() if process.name.isdecimal() else b""
                if b"restic" in line and b"/srv/repo" in line:
                    seen.append(line + (process / "environ").read_bytes())
        return host.show(unit, "ActiveState") in ("inactive", "failed")

    host.wait_for(lambda: host.show(unit, "ActiveState") == "activating", within=5, what=unit)
    host.wait_for(is_over, within=60, what=f"the end of {unit}")
    return seen


def days(host: Host) -> str:
    return host.run(["sh", "-c", f"cat {MEMORY}/daily/*.md"]).stdout


def test_the_timers_wait_and_nothing_else_was_made(host: Host) -> None:
    listed = host.run(["systemctl", "list-timers", "--all", "--no-legend", "--plain", "opsagent-*"]).stdout
    for timer in ("opsagent-backup-app", "opsagent-drill-app", "opsagent-backup-files", "opsagent-drill-files"):
        assert f"{timer}.timer" in listed
        assert host.show(f"{timer}.timer", "UnitFileState") == "enabled"
    assert host.run(["opsagent", "install", "--refresh", "--check"], user="opsagent").returncode == 0


def test_the_fenced_units_keep_and_prove_both_and_the_memory_says_when(host: Host) -> None:
    host.wait_for(lambda: "has not run yet, due" in status(host, "app-kept")["message"], within=10, what="its look")
    assert status(host, "app-kept")["status"] == "ok"

    for unit in ("backup-app", "drill-app"):
        host.run(["systemctl", "start", f"opsagent-{unit}.service"])
    seen = [line for unit in ("backup-files", "drill-files") for line in lines_while(host, f"opsagent-{unit}.service")]

    assert any(b"--password-file" in line for line in seen)
    assert not [line for line in seen if PASSWORD.encode() in line]
    found = backups(host)
    assert {name: row["status"] for name, row in found.items()} == {"app": "ok", "files": "ok"}
    assert found["app"]["last_proven"]["proof"] == "hash, integrity_check and 1000 rows in 1 tables"
    assert found["files"]["last_proven"]["proof"].startswith("1 of 1 files by their hashes, the whole repository")
    host.wait_for(lambda: status(host, "app-kept")["status"] == "ok", within=10, what="the check to see it")
    host.wait_for(lambda: "files by their hashes" in host.read(f"{MEMORY}/knowledge/backups.md"), within=5, what="word")
    assert "| app | 20" in host.read(f"{MEMORY}/knowledge/backups.md")
    assert "restore of app proven" in days(host)
    assert host.run(["find", "/var/lib/opsagent-backup", "-name", "opsagent-drill-*"]).stdout == ""


def test_nobody_but_root_sees_more_than_the_record_and_the_password_is_nowhere(host: Host) -> None:
    assert host.run(["opsagent", "backup", "list"], user="opsagent").returncode == 0
    refused = host.run(["opsagent", "backup", "run", "app"], user="opsagent", check=False)
    assert "backups of the host are root's" in refused.stderr
    private = host.run(["ls", "/var/lib/opsagent-backup/files/private"], user="opsagent", check=False)
    assert private.returncode != 0

    places = "/var/lib/opsagent /var/lib/opsagent-backup /etc /run /var/log /srv /var/backups /usr/local/lib /tmp"
    held = host.run(["sh", "-c", f"grep -rlsaF {PASSWORD} {places} 2>/dev/null || true"]).stdout
    said = host.run(["sh", "-c", f"journalctl --no-pager -a -o export | grep -caF {PASSWORD} || true"]).stdout
    assert held.split() == ["/etc/opsagent/pw"]
    assert said.strip() == "0"


def test_a_run_that_is_killed_is_told_as_failed_and_the_next_good_one_ends_that(host: Host) -> None:
    begun = "/var/lib/opsagent-backup/app/private/begun"
    host.write("/srv/dies", f"#!/bin/sh\nprintf 'run 2026-11-27T02:30:00+00:00' >{begun}\nkill -9 $$\n", 0o755)
    drop_in = "/run/systemd/system/opsagent-backup-app.service.d/dies.conf"
    host.write(drop_in, "[Service]\nExecStart=\nExecStart=/srv/dies\n")
    host.run(["systemctl", "daemon-reload"])

    killed = host.run(["systemctl", "start", "opsagent-backup-app.service"], check=False)

    assert killed.returncode != 0
    host.wait_for(lambda: backups(host)["app"]["last"]["error"], within=10, what="systemd to say so")
    assert backups(host)["app"]["last"]["error"] == "it ended without a word: signal"
    host.wait_for(lambda: status(host, "app-kept")["status"] == "critical", within=10, what="the failed backup")
    assert "it ended without a word" in status(host, "app-kept")["message"]
    host.run(["rm", drop_in])
    host.run(["systemctl", "daemon-reload"])
    host.run(["opsagent", "backup", "run", "app"])
    host.wait_for(lambda: status(host, "app-kept")["status"] == "ok", within=10, what="the good one")


def test_an_act_is_done_by_roots_unit_after_its_backup_and_proved_by_the_check(host: Host) -> None:
    before = backups(host)["app"]["last_good"]["at"]
    host.wait_for(lambda: status(host, "flag")["status"] == "ok", within=10, what="the flag to be seen")
    host.run(["rm", "/srv/app/flag"])

    host.wait_for(lambda: status(host, "flag")["status"] == "critical", within=20, what="the failure")
    host.wait_for(lambda: status(host, "flag")["status"] == "ok", within=30, what="the repair")

    [incident] = installed.asked(host, "incidents", check="flag")
    [action] = incident["actions"]
    assert action["remedy"] == "act"
    assert backups(host)["app"]["last_good"]["at"] > before
    assert host.run(["stat", "-c", "%U", "/srv/app/flag"]).stdout == "root\n"


def test_a_restore_by_hand_is_told_and_a_removal_takes_all_units_and_leaves_the_backups(host: Host) -> None:
    host.run(["opsagent", "backup", "restore", "files", "--to", "/srv/back"])

    assert host.run(["stat", "-c", "%a %U", "/srv/back/srv/keys/wallet.key"]).stdout == "600 app\n"
    host.wait_for(
        lambda: "root restored files" in host.run(["sh", "-c", f"cat {MEMORY}/daily/*.md"]).stdout,
        within=5,
        what="word",
    )

    installed.make(host, "uninstall")

    assert host.run(["find", "/etc/systemd/system", "-name", "opsagent-*"]).stdout == ""
    assert host.run(["sh", "-c", "ls /var/backups/app/*.sqlite"]).stdout
