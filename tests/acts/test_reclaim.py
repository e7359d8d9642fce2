"""The program of root's that frees disk: what its arguments name, one after the other, and what it tells of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from opsagent.acts import reclaim as program
from opsagent.core import reclaim
from opsagent.core.reclaim import OldFiles, Reclaim
from tests.acts.test_old_files import DAY, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, 2); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "archives"
    put(folder / "app_1.0_all.deb", 100.0)
    put(folder / "partial" / "app_1.1_all.deb", 100.0)
    (folder / "lock").touch()
    monkeypatch.setattr(program, "ARCHIVES", folder)
    return folder


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    return tmp_path / "run/reclaim.json"


def test_each_item_is_freed_and_told_so_that_a_run_that_is_killed_has_told_what_it_did(
    tmp_path: Path, archives: Path, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = put(tmp_path / "app" / "a b.log", 100.0)
    ours = put(tmp_path / "app" / "memory" / "b.log", 100.0)
    old = OldFiles(path=str(tmp_path / "app"), pattern="*.log", older_than=DAY, recursive=True)
    wanted = Reclaim(apt_cache=True, directories=(old,))

    program.main([*reclaim.arguments(wanted, [str(ours.parent)])])

    assert not log.exists()
    assert ours.exists()
    assert sorted(one.name for one in archives.rglob("*")) == ["app_1.1_all.deb", "lock", "partial"]
    found = reclaim.reported(json.loads(told.read_text()))
    assert [(one.what, one.files) for one in found] == [("apt's cache", 1), (str(tmp_path / "app"), 1)]
    assert capsys.readouterr().out.splitlines()[0] == "freed 4.0 KiB: 4.0 KiB of apt's cache (1 file)"
    assert told.stat().st_mode & 0o777 == 0o644


def test_while_apt_is_at_work_its_downloads_stay(archives: Path, told: Path) -> None:
    holder = [sys.executable, "-c", HOLD, str(archives / "lock")]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as apt:
        assert apt.stdout is not None
        assert apt.stdout.readline() == "held\n"

        program.main(["--apt-cache"])
        apt.communicate()

    assert (archives / "app_1.0_all.deb").exists()
    [freed] = reclaim.reported(json.loads(told.read_text()))
    assert [one.why for one in freed.left] == ["apt is at work"]


def test_what_was_freed_of_journals_is_counted_also_while_they_are_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "JOURNALS", (tmp_path / "none", tmp_path / "log"))
    put(tmp_path / "log/1/system.journal", size=8192)
    (tmp_path / "log/1/gone.journal").symlink_to("nowhere")

    assert program._archived() == {tmp_path / "log/1/system.journal": 8192}
    assert os.path.lexists(tmp_path / "log/1/gone.journal")
