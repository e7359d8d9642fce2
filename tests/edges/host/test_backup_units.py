"""The units that back up: systemd takes them as they are, and they may write where they must and nowhere else."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from opsagent.core.backup.job import Job, Paths, Sqlite
from opsagent.host import backup_units

APP = Sqlite(database="/var/lib/app/50% app.db", to="/var/backups/a b")
FILES = Paths(paths=("/etc",), repository="sftp:x@y:/srv", password_file="/etc/opsagent/pw")
JOBS = {
    "every night": Job(name="app", what=APP, zone="Europe/Berlin"),
    "every week": Job(name="app", what=APP, at="Sun 02:30", drill="weekly", zone="Etc/UTC"),
    "every six hours": Job(name="files", what=FILES, every=timedelta(hours=6), drill="never"),
}


def texts(job: Job) -> dict[str, str]:
    return backup_units.texts(job, Path("/var/lib/opsagent-backup"), Path("/var/lib/opsagent"), "/bin/true")


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_systemd_finds_no_fault_with_them(tmp_path: Path, job: Job) -> None:
    for name, text in texts(job).items():
        (tmp_path / name).write_text(text)

    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stderr) == (0, "")


def test_it_writes_beside_the_database_and_where_copies_go_and_knows_no_password() -> None:
    app, files = texts(JOBS["every night"]), texts(JOBS["every six hours"])

    lines = app["opsagent-backup-app.service"].splitlines()
    assert [line for line in lines if line.startswith("ReadWritePaths=")] == [
        'ReadWritePaths="-/var/lib/app"',
        'ReadWritePaths="-/var/backups/a b"',
        'ReadWritePaths="-/var/lib/opsagent-backup"',
        'ReadWritePaths="-/var/lib/opsagent/spool"',
    ]
    assert "ProtectSystem=strict" in lines
    assert "/etc/opsagent/pw" not in "".join(files.values())
    assert set(files) == {
        "opsagent-backup-files.service", "opsagent-backup-files.timer", "opsagent-drill-files.service",
    }  # fmt: skip


def test_the_hosts_own_temporary_files_are_seen_where_they_are_backed_up() -> None:
    there = Job(name="app", what=Sqlite(database="/var/tmp/app.db", to="/var/backups/app"))

    assert "PrivateTmp=yes" in texts(JOBS["every night"])["opsagent-backup-app.service"]
    assert "PrivateTmp=" not in texts(there)["opsagent-backup-app.service"]
    assert 'ReadWritePaths="-/var/tmp"' in texts(there)["opsagent-backup-app.service"]


def test_the_timers_keep_the_zone_of_the_settings() -> None:
    lines = texts(JOBS["every night"])["opsagent-backup-app.timer"].splitlines()

    assert "OnCalendar=*-*-* 02:30:00 Europe/Berlin" in lines
