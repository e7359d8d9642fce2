"""Damaged databases: every page is hit in turn, and nothing is lost without a word."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsagent.core.log_row import OPENING, IncidentRow, NewRow, OutboxRow, Row
from opsagent.store import salvage
from opsagent.store.opening import Opened, open_log

NOW = datetime(2026, 11, 21, 2, 14, 7, tzinfo=UTC)
PAGE = 4096
EVENTS = 120


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def write_some(directory: Path) -> tuple[Row, ...]:
    """Write a log with incidents and messages whose tables take several pages each."""
    log = open_log(directory / "events.db", host="web-1", boot="b", now=NOW).log
    for seq in range(1, EVENTS + 1):
        at = NOW + timedelta(seconds=seq)
        new = NewRow(at=at, type=f"type{seq % 7}", v=1, data=f'{{"n":{seq},"x":"{"y" * 150}"}}', incident=OPENING)
        message = OutboxRow(key=f"k{seq}", seq=seq, notifier="mail", payload='{"a":1}', next_at=at, incident=seq)
        incident = IncidentRow(
            seq=seq,
            label=log.next_label(NOW.date()),
            key="api",
            check="api",
            state="open",
            opened_at=at,
            closed_at=None,
            json="{}",
        )
        log.append([new], at, outbox=[message], incidents=[incident], meta=[("cursor", str(seq))])
    rows = tuple(log.replay())
    log.close()
    return rows


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Row, ...]]:
    directory = tmp_path_factory.mktemp("written")
    return directory / "events.db", write_some(directory)


def damaged_copy(source: Path, directory: Path, place: int, size: int) -> Path:
    """Copy a database and turn every bit of a stretch."""
    path = directory / "events.db"
    content = bytearray(source.read_bytes())
    content[place : place + size] = bytes(255 - byte for byte in content[place : place + size])
    path.write_bytes(content)
    return path


def reopen(path: Path) -> tuple[Opened, tuple[Row, ...]]:
    opened = open_log(path, host="web-1", boot="b2", now=NOW)
    rows = tuple(opened.log.replay())
    return opened, rows


STRETCHES = {"its head": (0, 16), "all of it": (0, PAGE), "its middle": (2000, 300), "its end": (PAGE - 200, 200)}


@pytest.mark.parametrize("stretch", STRETCHES.values(), ids=STRETCHES)
def test_damage_in_any_page_is_noticed_or_harmless_and_the_rest_is_kept(
    written: tuple[Path, tuple[Row, ...]], tmp_path: Path, stretch: tuple[int, int]
) -> None:
    source, original = written
    told, kept = 0, []
    for page in range(source.stat().st_size // PAGE):
        directory = tmp_path / str(page)
        directory.mkdir()
        opened, rows = reopen(damaged_copy(source, directory, page * PAGE + stretch[0], stretch[1]))

        assert set(rows) <= set(original), f"page {page}: a row came back that was never written"
        assert [row.seq for row in rows] == sorted(row.seq for row in rows)
        missing = len(original) - len(rows)
        noticed = opened.lost + len(opened.log.unsound)
        assert missing <= noticed or (opened.set_aside and not rows), f"page {page}: rows vanished without a word"
        told += bool(opened.set_aside or opened.log.unsound)
        kept.append(len(rows))
        assert opened.log.append([NewRow(at=NOW, type="damaged", v=1, data="{}")], NOW)[0].seq > EVENTS
        opened.log.close()
        shutil.rmtree(directory)
    assert told >= len(kept) // 3, "the flips hit nothing"
    assert sorted(kept)[len(kept) // 2] >= EVENTS - 40, "the median flip cost more than its own page"


def test_the_damaged_file_is_kept_beside_the_new_one(written: tuple[Path, tuple[Row, ...]], tmp_path: Path) -> None:
    path = damaged_copy(written[0], tmp_path, 0, PAGE)
    before = path.read_bytes()

    opened, rows = reopen(path)

    assert opened.set_aside == tmp_path / "events.db.damaged-20261121T021407Z"
    assert opened.set_aside.read_bytes() == before
    assert opened.damage
    assert (opened.salvaged, opened.lost) == (EVENTS, 0)
    assert rows == written[1]
    opened.log.close()
    assert names(tmp_path) == [
        "ballast",
        "events.db",
        "events.db-shm",
        "events.db-wal",
        "events.db.damaged-20261121T021407Z",
    ]


def test_messages_incidents_labels_and_notes_are_carried_over(
    written: tuple[Path, tuple[Row, ...]], tmp_path: Path
) -> None:
    opened, _ = reopen(damaged_copy(written[0], tmp_path, 0, PAGE))

    assert len(opened.log.outbox()) == EVENTS
    assert opened.log.meta("cursor") == str(EVENTS)
    assert opened.log.next_label(NOW.date()) == "OPS-20261121-121"
    opened.log.close()


def test_numbers_that_may_have_been_given_are_not_given_again(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(os.urandom(10 * PAGE))

    opened, rows = reopen(path)
    first = opened.log.append([NewRow(at=NOW, type="damaged", v=1, data="{}")], NOW)[0].seq
    opened.log.close()
    again = open_log(path, host="h", boot="b", now=NOW)

    assert (rows, opened.salvaged) == ((), 0)
    assert first == 2001
    assert again.log.append([NewRow(at=NOW, type="seen", v=1, data="{}")], NOW)[0].seq == 2002
    assert again.set_aside is None
    again.log.close()


def test_a_file_cut_short_keeps_what_is_left(written: tuple[Path, tuple[Row, ...]], tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    content = written[0].read_bytes()
    path.write_bytes(content[: -6 * PAGE])

    opened, rows = reopen(path)

    assert opened.set_aside is not None
    assert 0 < len(rows) < EVENTS
    assert set(rows) <= set(written[1])
    opened.log.close()


def test_an_empty_file_is_a_new_log(tmp_path: Path) -> None:
    (tmp_path / "events.db").touch()

    opened, rows = reopen(tmp_path / "events.db")

    assert (opened.set_aside, rows) == (None, ())
    opened.log.close()


def test_only_a_log_that_was_not_there_counts_as_created(tmp_path: Path) -> None:
    first, _ = reopen(tmp_path / "events.db")
    first.log.close()
    second, _ = reopen(tmp_path / "events.db")
    second.log.close()

    assert (first.created, second.created) == (True, False)


def test_a_salvage_that_was_cut_short_at_any_step_is_finished(
    written: tuple[Path, tuple[Row, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    finished = False
    while not finished:
        directory = tmp_path / str(steps)
        directory.mkdir()
        path = damaged_copy(written[0], directory, 0, PAGE)
        finished = not cut_short(path, steps, monkeypatch)
        opened, rows = reopen(path)
        opened.log.close()

        assert rows == written[1], f"cut short at step {steps}"
        assert list(directory.glob("events.db.damaged-*")), f"cut short at step {steps}"
        assert not list(directory.glob("events.db.salvag*"))
        steps += 1
    assert steps > 6


def cut_short(path: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Open a damaged log and die before the step after so many steps; False when there were not as many."""
    left = [after]

    def dying(real: object) -> object:
        def step(*args: object, **kwargs: object) -> object:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for owner, name in ((salvage.os, "link"), (Path, "unlink"), (Path, "rename"), (salvage, "sync_directory")):
            patch.setattr(owner, name, dying(getattr(owner, name)))
        try:
            open_log(path, host="h", boot="b", now=NOW).log.close()
        except KeyboardInterrupt:
            return True
    return False
