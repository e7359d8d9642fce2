"""A bit flipped in the write-ahead log of a killed daemon: SQLite would drop what comes after it without a word."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsagent.store import wal
from opsagent.store.opening import open_log

NOW = datetime(2026, 11, 21, tzinfo=UTC)
EVENTS = 30
KILLED = f"""
import os, sys, pathlib
from datetime import datetime, UTC
from opsagent.core.log_row import NewRow
from opsagent.store.opening import open_log
NOW = datetime(2026, 11, 21, tzinfo=UTC)
log = open_log(pathlib.Path(sys.argv[1]), host="h", boot="b", now=NOW).log
for number in range({EVENTS}):
    log.append([NewRow(at=NOW, type="seen", v=1, data='"' + "x" * 1500 + '"')], NOW)
os._exit(0)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log whose daemon was killed: nearly all of it lies in the write-ahead log."""
    path = tmp_path_factory.mktemp("killed") / "events.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=True, cwd=Path.cwd())
    return path


def damaged_copy(source: Path, directory: Path, place: int) -> Path:
    directory.mkdir()
    shutil.copy(source, directory)
    content = bytearray(wal.beside(source, "-wal"))
    content[place] ^= 0x10
    (directory / "events.db-wal").write_bytes(content)
    return directory / "events.db"


def rows_of(path: Path) -> tuple[int, bool]:
    """Open and return how many events came back, and whether people were told of damage."""
    opened = open_log(path, host="h", boot="b", now=NOW)
    count = len(tuple(opened.log.replay()))
    opened.log.close()
    return count, bool(opened.set_aside or opened.log.unsound)


def places(killed: Path) -> list[int]:
    """One byte of the header, and one in the head and the page of every frame."""
    found = list(wal.frames(wal.beside(killed, "-wal")))
    return [20, *(frame.offset - 4 for frame in found), *(frame.offset + 3000 for frame in found)]


def test_a_log_that_is_whole_is_not_called_damaged(killed: Path, tmp_path: Path) -> None:
    path = damaged_copy(killed, tmp_path / "whole", 0)
    (tmp_path / "whole" / "events.db-wal").write_bytes(wal.beside(killed, "-wal"))

    assert rows_of(path) == (EVENTS, False)


def test_no_flipped_bit_loses_more_than_one_event_and_none_without_a_word(killed: Path, tmp_path: Path) -> None:
    found = [rows_of(damaged_copy(killed, tmp_path / str(place), place)) for place in places(killed)]

    assert len(found) > 2 * EVENTS
    silent = [count for count, told in found if not told and count < EVENTS - 1]
    assert silent == []
    assert min(count for count, _ in found) >= EVENTS - 2
    assert sum(told for _, told in found) > len(found) // 2


def test_a_commit_cut_off_by_a_kill_is_no_damage(killed: Path, tmp_path: Path) -> None:
    path = damaged_copy(killed, tmp_path / "cut", 0)
    (tmp_path / "cut" / "events.db-wal").write_bytes(wal.beside(killed, "-wal")[:-2000])

    assert rows_of(path) == (EVENTS - 1, False)
