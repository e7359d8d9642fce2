"""Backups in the settings: each has its check, and what could not be is told at its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.checks.backup import OfJob
from opsagent.core.policy import Criticality

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Settings

    Problems = Callable[..., list[str]]

APP = "backups:\n- {name: app, kind: sqlite, database: /srv/app.db, to: /var/backups/app}\n"
FILES = "{name: files, kind: paths, paths: [/etc], repository: /srv/r, password_file: /root/nobody-may-look}"

MISTAKES = {
    "unknown job": (
        f"{APP}checks:\n- {{name: a, kind: backup, job: ap}}",
        "4: cannot find the backup 'ap' (did you mean 'app'?), known backups: app (job)",
    ),
    "twice": (f"{APP}- {FILES.replace('files', 'app')}", "3: cannot use the name 'app' twice, another backup has it"),
    "unknown before an act": (
        "acts:\n- {name: a, command: [/bin/true], backup_first: app}",
        "2: cannot find the backup 'app', there are no backups (backup_first)",
    ),
    "when": (APP.replace("to:", "at: noon, to:"), "2: cannot read 'noon' as a time, allowed: '02:30' or 'Sun 02:30'"),
    "too often": (APP.replace("to:", "every: 10s, to:"), "2: cannot use 10s, allowed: 5m to 31d"),
    "name": (APP.replace("app,", f"{'a' * 41},"), "2: cannot use a backup's name of 41 characters, allowed: up to 40"),
    "judge": (APP.replace("to:", "verify: [/bin/rm], to:"), "2: cannot run '/bin/rm' without a person"),
    "kind": ("backups:\n- {name: a, kind: tape}", "2: cannot find backup kind 'tape', known kinds: paths, sqlite"),
    "over itself": (APP.replace("/var/backups/app", "/srv/app.db"), "2: cannot use to '/srv/app.db': it is the datab"),
    "in itself": (
        f"backups:\n- {FILES.replace('/srv/r', '/etc/r')}",
        "2: cannot keep the repository in paths: it would back itself up; exclude it, or move it (backup 'files')",
    ),
    "path": (APP.replace("/srv/app.db", "app.db"), "2: cannot use database 'app.db', allowed: a full path"),
}


@pytest.mark.parametrize(("text", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_a_backup_that_cannot_be_is_told_at_its_line(problems: Problems, text: str, problem: str) -> None:
    [found] = problems(text)

    assert found.startswith(problem)


def test_a_backup_without_a_check_gets_one_that_a_window_may_name(read: Callable[..., Settings]) -> None:
    settings = read(f"{APP}maintenance:\n- {{checks: [backup-app], from: '02:00', for: 1h}}\n")

    policy = settings.policy.check("backup-app")
    assert policy is not None
    assert (policy.kind, policy.criticality) == ("backup", Criticality.NORMAL)


def test_a_check_of_a_backup_takes_what_is_late_from_its_job_unless_it_says_so_itself(
    read: Callable[..., Settings],
) -> None:
    settings = read(
        f"{APP}- {FILES}\nchecks:\n- {{name: mine, kind: backup, job: app, max_age: 3d, criticality: critical}}\n"
    )

    looks = {one.policy.name: one.check for one in settings.watched if one.policy.kind == "backup"}
    assert set(looks) == {"mine", "backup-files"}
    mine, files = looks["mine"], looks["backup-files"]
    assert isinstance(mine, OfJob)
    assert isinstance(files, OfJob)
    assert (mine.wanted.max_age, files.wanted.max_age) == (timedelta(days=3), timedelta(hours=30))
    assert mine.wanted.drill_within == timedelta(days=38)


def test_an_act_is_waited_for_together_with_the_backup_before_it(read: Callable[..., Settings]) -> None:
    act = "acts:\n- {name: fix, command: [/bin/true], timeout: 10s, backup_first: app}\n"
    settings = read(f"{APP}{act}checks:\n- {{name: a, kind: cpu, repair: [{{do: act, name: fix}}]}}")

    check = settings.policy.check("a")
    assert check is not None
    assert timedelta(hours=2) < check.repair[0].timeout < timedelta(hours=2, minutes=1)


def test_root_never_leaves_its_record_where_the_daemons_user_could_exchange_it(read: Callable[..., Settings]) -> None:
    own = read(APP)

    host = replace(own, path=Path("/etc/opsagent/opsagent.yaml"), state=Path("/srv/state"))

    assert own.backup_records == own.state / "backups"
    assert host.backup_records == Path("/var/lib/opsagent-backup")
