"""What opsagent stands on: directories of every owner and mode, the journal's group, what was set aside."""

from __future__ import annotations

import grp
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from opsagent.interfaces.doctor import ground
from opsagent.interfaces.doctor.finding import Finding, Level
from opsagent.interfaces.doctor.ground import Account

DAEMON = Account(name="opsagent", uid=4242, gids=frozenset({4343}))
ROOT = Account(name="root", uid=0, gids=frozenset({0}))


def about(path: Path, who: Account = DAEMON, *, is_system: bool = False) -> Finding:
    return next(iter(ground.directories(path, path, who, is_system=is_system)))


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "level"),
    [
        (4242, 0, 0o700, Level.OK),
        (4242, 4343, 0o2770, Level.OK),
        (0, 4343, 0o2770, Level.OK),
        (4242, 4343, 0o500, Level.RED),
        (0, 4343, 0o750, Level.RED),
        (0, 0, 0o770, Level.RED),
        (0, 0, 0o755, Level.RED),
        (4242, 4343, 0o777, Level.RED),
        (0, 0, 0o777, Level.RED),
    ],
)
def test_the_state_directory_must_be_ours_and_not_everybodys(
    tmp_path: Path, uid: int, gid: int, mode: int, level: Level
) -> None:
    path = tmp_path / "state"
    path.mkdir()
    os.chown(path, uid, gid)
    path.chmod(mode)

    found = about(path)

    assert found.level is level
    assert found.do != "" or level is Level.OK


def test_a_folder_of_the_memory_that_somebody_made_for_himself_is_named(tmp_path: Path) -> None:
    theirs = tmp_path / "memory/failures/patterns"
    theirs.mkdir(parents=True)
    for path in (tmp_path / "memory", tmp_path / "memory/failures"):
        os.chown(path, 4242, 0)

    found = [one for one in ground.directories(tmp_path, tmp_path / "memory", DAEMON, is_system=False) if one.do]

    assert [(one.text, one.do) for one in found if "patterns" in one.text] == [
        (f"{theirs} cannot be written by opsagent", f"chmod 2770 {theirs}")
    ]


def test_a_file_in_the_place_of_the_directory_is_red(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    assert about(tmp_path / "state").level is Level.RED


def test_a_directory_that_can_be_made_is_good(tmp_path: Path) -> None:
    assert about(tmp_path / "a/b", ROOT).text.endswith("is not there yet; root can make it")


def test_a_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    found = about(tmp_path / "a/b")

    assert found.level is Level.WARN
    assert f"mkdir -p {tmp_path / 'a/b'}; chown opsagent:" in found.do


def test_the_service_cannot_keep_its_memory_in_a_home_directory() -> None:
    found = about(Path("/home/ann/memory"), is_system=True)

    assert (found.level, found.do) == (Level.RED, "run opsagent as that user")


def test_a_disk_without_room_is_told_twice_as_loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = []
    for free in (ground.ROOM_WARN, ground.ROOM_WARN - 1, ground.ROOM_RED - 1):
        monkeypatch.setattr(ground.shutil, "disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        found = list(ground.directories(tmp_path, tmp_path, ROOT, is_system=False))
        levels.append([one.level for one in found if "MiB are free" in one.text])

    assert levels == [[], [Level.WARN] * 2, [Level.RED] * 2]


def test_a_read_only_file_system_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        os,
        "statvfs",
        lambda _: SimpleNamespace(f_flag=os.ST_RDONLY, f_bavail=1, f_blocks=1, f_bfree=1, f_frsize=1 << 40),
    )

    texts = [one.text for one in ground.directories(tmp_path, tmp_path, ROOT, is_system=False)]

    assert f"the file system of {tmp_path} is read-only" in texts


def test_databases_that_were_set_aside_are_named(tmp_path: Path) -> None:
    assert ground.damaged(tmp_path) == []
    (tmp_path / "events.db.damaged-20260301T020304Z").touch()

    (found,) = ground.damaged(tmp_path)

    assert "events.db.damaged-20260301T020304Z" in found.text
    assert ground.damaged(tmp_path / "nowhere") == []


def test_sqlite_is_named_with_what_its_version_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    assert "so only the daemon ever writes" in ground.sqlite().text
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert "writes" not in ground.sqlite().text


def test_the_clock_is_asked_of_the_kernel() -> None:
    found = ground.clock()

    assert found.about == "clock"
    assert "synchronised" in found.text


def test_without_the_journals_group_the_service_would_take_a_stop_for_a_failure() -> None:
    gid = grp.getgrnam("systemd-journal").gr_gid
    member = Account(name="opsagent", uid=4242, gids=frozenset({4343, gid}))

    assert ground.journal(member, is_system=True).level is Level.OK
    assert ground.journal(ROOT, is_system=True).level is Level.OK
    stranger = ground.journal(DAEMON, is_system=True)
    assert stranger.level is Level.RED
    assert stranger.do.startswith("usermod -aG systemd-journal opsagent")


def test_an_account_has_all_its_groups() -> None:
    assert ground.account("nobody-of-that-name") is None
    found = ground.account("root")
    assert found is not None
    assert (found.uid, 0 in found.gids) == (0, True)


def test_a_textfile_that_cannot_be_written_is_said_with_what_to_run(tmp_path: Path) -> None:
    here = Account(name="daemon", uid=1, gids=frozenset({1}))
    tmp_path.chmod(0o755)
    path = tmp_path / "opsagent.prom"

    (found,) = ground.textfile(path, here, is_system=True)
    assert found.level is Level.WARN
    assert found.do == f"chgrp daemon {tmp_path}; chmod g+w {tmp_path}"
    os.chown(tmp_path, 0, 1)
    tmp_path.chmod(0o775)

    (found,) = ground.textfile(path, here, is_system=True)
    assert found.level is Level.OK
    assert next(ground.textfile(tmp_path / "no/x.prom", here, is_system=True)).level is Level.WARN
    assert next(ground.textfile(Path("/home/a/x.prom"), here, is_system=True)).level is Level.RED
    assert list(ground.textfile(None, here, is_system=True)) == []
