"""Acts in the settings: what root may leave to us, told at its line where it may not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.acts import is_act

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.settings import Settings

    Problems = Callable[..., list[str]]

WEB = "acts:\n- {name: web, command: [/usr/bin/docker, restart, web], timeout: 40s}\n"

MISTAKES = {
    "unknown": (
        f"{WEB}checks:\n- {{name: a, kind: cpu, repair: [{{do: act, name: wob}}]}}",
        "4: cannot find the act 'wob' (did you mean 'web'?), known acts: web (repair)",
    ),
    "no name": (
        f"{WEB}checks:\n- {{name: a, kind: cpu, repair: [act]}}",
        "4: cannot act without a name, write {do: act, name: …} with one of the file's 'acts' (repair of check 'a')",
    ),
    "name of another": (
        "checks:\n- {name: a, kind: cpu, repair: [{do: command, command: [/bin/true], name: web}]}",
        "2: cannot give 'name' to the remedy 'command', it belongs to {do: act}, {do: docker} or {do: signal} (",
    ),
    "no signal": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [signal]}",
        "2: cannot send '', write {do: signal, name: …} with SIGABRT, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM,",
    ),
    "signal that leaves no trace": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [{do: signal, name: SIGKILL}]}",
        "2: cannot send 'SIGKILL', write {do: signal, name: …} with SIGABRT",
    ),
    "signal to nobody": (
        "checks:\n- {name: a, kind: cpu, repair: [{do: signal, name: SIGABRT}]}",
        "2: cannot signal without a unit, add the key 'unit' with its full name (repair of check 'a')",
    ),
    "stop of a data store": (
        "checks:\n- {name: a, kind: unit, unit: mariadb.service, repair: [stop]}",
        "2: cannot stop 'mariadb.service' without being told that it may be: it holds data, write {do: stop,",
    ),
    "signal to a data store": (
        "checks:\n- {name: a, kind: unit, unit: mariadb.service, repair: [{do: signal, name: SIGABRT}]}",
        (
            "2: cannot signal 'mariadb.service' without being told that it may be: it holds data, "
            "write {do: signal, name: SIGABRT, holds_data: true}"
        ),
    ),
    "restore without files": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [restore]}",
        "2: cannot restore 0 files, write {do: restore, files: [/etc/…]} with 1 to 50 (repair of check 'a')",
    ),
    "restore for nobody": (
        "checks:\n- {name: a, kind: cpu, repair: [{do: restore, files: [/etc/a/a.conf]}]}",
        "2: cannot restore without a unit, add the key 'unit' with its full name (repair of check 'a')",
    ),
    "files of another": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [{do: restart, files: [/etc/a/a.conf]}]}",
        "2: cannot give 'files' to the remedy 'restart', they belong to {do: restore} (repair of check 'a')",
    ),
    "stop of what is never touched": (
        "checks:\n- {name: a, kind: unit, unit: ssh.service, repair: [stop]}",
        "2: cannot act on 'ssh.service', it is never touched: the way in for people",
    ),
    "container of no name": (
        "checks:\n- {name: a, kind: cpu, repair: [{do: docker, name: ../x}]}",
        "2: cannot restart container '../x', write {do: docker, name: …} with the name of a container",
    ),
    "root's for a user": (
        "checks:\n- {name: a, kind: unit, unit: a.service, scope: user, repair: [stop]}",
        "2: cannot stop for a user's own instance or unit: root does it; write {do: command}, which runs as that user",
    ),
    "name that is taken": (
        (
            "acts:\n- {name: stop-a, command: [/bin/true]}\n"
            "checks:\n- {name: a, kind: unit, unit: a.service, repair: [stop]}"
        ),
        "2: cannot use the name 'stop-a', the repair of check 'a' has an act of that name",
    ),
    "two lists": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [restart], playbook: [restart]}",
        "2: cannot have 'repair' and 'playbook' at once, allowed: one of them (check 'a')",
    ),
    "step outside a playbook": (
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [{do: restart, wait: 5s}]}",
        "2: cannot use 'wait' in 'repair', it belongs to the steps of 'playbook' (check 'a')",
    ),
    "step proven by nothing": (
        "checks:\n- {name: a, kind: unit, unit: a.service, playbook: [{do: restart, verify: b}]}",
        "2: cannot find the check 'b'",
    ),
    "playbook of what nobody may": (
        "checks:\n- {name: a, kind: unit, unit: ssh.service, playbook: [restart]}",
        "2: cannot act on 'ssh.service', it is never touched: the way in for people",
    ),
    "denied unit": (
        f"{WEB}checks:\n- {{name: a, kind: unit, unit: ssh.service, repair: [{{do: act, name: web}}]}}",
        (
            "4: cannot act on 'ssh.service', it is never touched: the way in for people; "
            "allowed: to watch it, without 'repair' (repair of check 'a')"
        ),
    ),
    "twice": (f"{WEB}- {{name: web, command: [/bin/true]}}", "3: cannot use the name 'web' twice, another act has it"),
    "user": (f"scope: user\n{WEB}", "2: cannot have acts in a user's own instance: it runs commands as that user"),
    "no path": ("acts:\n- {name: a, command: [docker]}", "2: cannot run 'docker', allowed: a program's full path"),
    "destroys": ("acts:\n- {name: a, command: [/bin/rm, x]}", "2: cannot run '/bin/rm' without a person: it destroys"),
    "control": ('acts:\n- {name: a, command: [/bin/x, "a\\nb"]}', "2: cannot use signs that cannot be printed"),
    "writes": ("acts:\n- {name: a, command: [/bin/x], writes: [/]}", "2: cannot let it write '/', allowed: the full"),
    "right": ("acts:\n- {name: a, command: [/bin/x], capabilities: [root]}", "2: cannot use 'root' as a capability"),
    "command of a remedy": (
        "checks:\n- {name: a, kind: cpu, repair: [{do: command, command: [/bin/rm, x]}]}",
        "2: cannot run '/bin/rm' without a person: it destroys data (repair of check 'a')",
    ),
}


@pytest.mark.parametrize(("text", "problem"), MISTAKES.values(), ids=MISTAKES)
def test_an_act_that_cannot_be_is_told_at_its_line(problems: Problems, text: str, problem: str) -> None:
    [found] = problems(text)

    assert found.startswith(problem)


def test_an_act_is_waited_for_as_long_as_it_may_run_and_its_unit_may_be_restarted(
    read: Callable[..., Settings],
) -> None:
    settings = read(f"{WEB}checks:\n- {{name: a, kind: cpu, repair: [{{do: act, name: web}}]}}")

    check = settings.policy.check("a")
    assert check is not None
    assert check.repair[0].timeout > timedelta(seconds=40)
    assert settings.armed() == (("opsagent-act-web.service", ("act",)),)


def test_what_root_does_for_a_remedy_is_all_that_may_be_asked_for(read: Callable[..., Settings]) -> None:
    remedies = "{do: signal, name: SIGABRT}, {do: docker, name: Web_1}, stop"
    settings = read(f"checks:\n- {{name: a, kind: unit, unit: a@1.service, repair: [{remedies}]}}")

    names = [unit for unit, remedies in settings.armed() if remedies == ("act",)]
    assert len(names) == len(settings.armed()) == 3
    assert all(is_act(name) for name in names)


def test_acts_of_several_files_are_one_list(read: Callable[..., Settings]) -> None:
    settings = read(WEB, more="acts:\n- {name: other, command: [/bin/true]}\n")

    assert [act.name for act in settings.acts] == ["web", "other"]


RECLAIM = "reclaim:\n  directories:\n  - {{path: {path}, pattern: '*.log', older_than: 7d}}\n"
CHECK = "checks:\n- {name: a, kind: cpu, repair: [reclaim]}\n"
NEVER = (
    *("/", "/etc", "/etc/app", "/usr", "/boot", "/var", "/var/lib", "/var/lib/opsagent/memory/daily", "/home"),
    *(
        "/home/ann",
        "/root",
        "/proc/1",
        "/srv",
        "/srv/notes",
        "/srv/notes/daily",
        "/srv/state",
        "/var/lib/opsagent-backup",
        "/var/lib/opsagent-kept",
        "/var/backups",
        "/var/backups/app/old",
        "/mnt/restic/data",
    ),
)
BACKUPS = """backups:
- {name: a, kind: sqlite, database: /srv/app/a.db, to: /var/backups/app}
- {name: b, kind: paths, paths: [/srv/app], repository: /mnt/restic, password_file: /etc/opsagent/pw}
- {name: c, kind: paths, paths: [/srv/app], repository: "sftp:ann@far:/srv", password_file: /etc/opsagent/pw}
"""


@pytest.mark.parametrize("path", NEVER)
def test_disk_is_never_reclaimed_where_the_system_homes_backups_or_our_memory_are(
    problems: Problems, path: str
) -> None:
    [found] = problems(f"memory: /srv/notes\nstate: /srv/state\n{RECLAIM.format(path=path)}{CHECK}{BACKUPS}")

    assert found.startswith(f"5: cannot reclaim in {path!r}: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (CHECK, "2: cannot reclaim disk without knowing what may go, add the section 'reclaim' to the file (repair)"),
        (f"reclaim: {{apt_cache: false}}\n{CHECK}", "3: cannot reclaim disk without knowing what may go"),
        (CHECK.replace("repair", "playbook"), "2: cannot reclaim disk without knowing what may go"),
        (RECLAIM.format(path="var/log"), "3: cannot use 'var/log' as a directory, allowed: a full path without //, . "),
        (RECLAIM.format(path="//home/ann"), "3: cannot use '//home/ann' as a directory"),
        (RECLAIM.format(path="/srv/a/../b"), "3: cannot use '/srv/a/../b' as a directory"),
        (RECLAIM.format(path="/srv/app").replace("*.log", "a/*"), "3: cannot use 'a/*' as a pattern"),
        (f"scope: user\n{RECLAIM.format(path='/srv/app')}", "2: cannot reclaim disk in a user's own instance"),
        ("acts:\n- {name: reclaim, command: [/bin/true]}", "2: cannot call an act 'reclaim'"),
    ],
)
def test_what_may_be_reclaimed_is_told_at_its_line_where_it_cannot_be(
    problems: Problems, text: str, problem: str
) -> None:
    [found] = problems(text)

    assert found.startswith(problem)


def test_a_check_may_free_disk_and_only_its_act_may_be_asked_for(read: Callable[..., Settings]) -> None:
    more = "  journal: 500MB\n  timeout: 3m\n"
    settings = read(f"{RECLAIM.format(path='/var/log/app')}{more}checks:\n- {{name: a, kind: cpu, repair: [reclaim]}}")

    assert settings.armed() == (("opsagent-act-reclaim.service", ("act",)),)
    assert settings.reclaim.journal == 500_000_000
    assert settings.policy.checks[0].repair[0].timeout == timedelta(minutes=3, seconds=15)


UNFIT = (
    *("a.conf", "/", "/a.conf", "/etc/a/../shadow", "/etc/a/", "/etc//a", "/etc/a/./b", "/etc/a/b\tc"),
    *("/etc/shadow", "/etc/sudoers.d/a", "/etc/systemd/system/a.service", "/etc/opsagent/opsagent.yaml", "/usr/bin/a"),
    *("/root/a", "/home/ann/a", "/boot/a", "/tmp/a", "/var/lib/opsagent/memory/a", "/var/lib/opsagent-kept/a"),
    *("/srv/notes/a", "/srv/state/a", "/dev/null"),
)


@pytest.mark.parametrize("path", UNFIT)
def test_what_is_no_configuration_of_a_service_is_never_restored(problems: Problems, path: str) -> None:
    rule = f"{{do: restore, files: [{json.dumps(path)}]}}"
    check = f"checks:\n- {{name: a, kind: unit, unit: a.service, repair: [{rule}]}}"
    [found] = problems(f"memory: /srv/notes\nstate: /srv/state\n{check}")
    assert "4: cannot restore " in found


def test_a_restore_may_be_asked_for_and_so_may_what_keeps_its_copies(read: Callable[..., Settings]) -> None:
    settings = read(
        "checks:\n- {name: a, kind: unit, unit: a.service, repair: [{do: restore, files: [/etc/a/a.conf, /srv/a/b]}]}"
    )

    assert settings.policy.checks[0].repair[0].files == ("/etc/a/a.conf", "/srv/a/b")
    assert settings.armed() == (("opsagent-act-keep-a.service", ("act",)), ("opsagent-act-restore-a.service", ("act",)))
