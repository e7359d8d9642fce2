"""What somebody laid in the state directory under a name of ours: nobody waits there, nobody writes through it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from opsagent.daemon import files
from opsagent.store import ballast, lock, snapshot

if TYPE_CHECKING:
    from pathlib import Path

TRAPS = ("pipe", "link", "hard link", "directory")
KEPT = snapshot.Kept(text="{}", seq=1, row="r", code="c")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("precious")
    return path


def lay(trap: str, path: Path, victim: Path) -> None:
    match trap:
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(victim)
        case "hard link":
            path.hardlink_to(victim)
        case "directory":
            path.mkdir()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_draft_is_never_written_through_what_lay_there(tmp_path: Path, victim: Path, trap: str) -> None:
    lay(trap, tmp_path / ".heartbeat.json.new", victim)

    written = files.write(tmp_path / "heartbeat.json", {"v": 1})

    assert written == (trap != "directory")
    assert victim.read_text() == "precious"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("trap", TRAPS)
def test_the_ballast_is_only_ever_a_file_of_ours(tmp_path: Path, victim: Path, trap: str) -> None:
    victim.write_bytes(b"x" * ballast.SIZE)
    path = tmp_path / "ballast"
    lay(trap, path, victim)

    assert not ballast.lay_out(path)
    assert not ballast.is_laid_out(path)
    assert not ballast.drop(path)
    assert victim.stat().st_size == ballast.SIZE


@pytest.mark.timeout(20)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_snapshot_is_neither_written_through_nor_waited_for(tmp_path: Path, victim: Path, trap: str) -> None:
    lay(trap, tmp_path / snapshot.NAME, victim)
    assert snapshot.read(tmp_path) is None

    lay(trap, tmp_path / f"{snapshot.NAME}.new", victim)
    if trap == "directory":
        with pytest.raises(IsADirectoryError):
            snapshot.write(tmp_path, KEPT)
    else:
        snapshot.write(tmp_path, KEPT)
        assert snapshot.read(tmp_path) == KEPT
    assert victim.read_text() == "precious"


def test_a_snapshot_larger_than_any_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / snapshot.NAME).open("wb") as file:
        file.truncate(snapshot.LARGEST + 1)

    assert snapshot.read(tmp_path) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("trap", TRAPS)
def test_the_lock_writes_into_no_file_of_another(tmp_path: Path, victim: Path, trap: str) -> None:
    lay(trap, tmp_path / lock.NAME, victim)

    if trap in ("link", "directory"):
        with pytest.raises(OSError, match=r"symbolic links|directory"):
            lock.take(tmp_path)
    else:
        lock.take(tmp_path).release()
    assert victim.read_text() == "precious"
