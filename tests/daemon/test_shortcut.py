"""The start begins from a snapshot only when it is of this very log, made by this very code, and some days old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import codec
from opsagent.core import events as ev
from opsagent.core.codec import read_all
from opsagent.core.log_row import NewRow
from opsagent.core.snapshot import Snapshot
from opsagent.core.state import State
from opsagent.daemon import shortcut
from opsagent.store import snapshot as store
from opsagent.store.eventlog import EventLog
from opsagent.store.purge import purge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def row(event: ev.Event, at: datetime) -> NewRow:
    return NewRow(at=at, type=codec.kind_of(event), v=1, data=codec.encode(event))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """A log of ten days, an event an hour."""
    made = EventLog(tmp_path / "events.db", host="web-1", boot="b").open()
    hours = [NOW - timedelta(hours=n) for n in reversed(range(240))]
    made.append([row(ev.HeartbeatDone(good=1, bad=0, blind=0, late=0.0, seconds=0.1), at) for at in hours], NOW)
    yield made
    made.close()


def stood(log: EventLog, directory: Path) -> tuple[Snapshot, Snapshot, Snapshot]:
    begin = shortcut.found(directory, log, NOW)
    past, present, skipped = shortcut.brought_up(begin, read_all(log.replay(begin.state.seq)), NOW)
    assert skipped == 0
    return begin, past, present


def test_the_first_start_reads_the_whole_log_and_the_next_only_what_is_new(log: EventLog, tmp_path: Path) -> None:
    begin, past, present = stood(log, tmp_path)
    assert (begin, past.state.seq, present.state.seq) == (Snapshot(), 168, 240)
    assert shortcut.keep(tmp_path, past, log)

    again, still_past, same = stood(log, tmp_path)

    assert again == still_past == past
    assert same == present


def test_a_long_read_tells_how_far_it_is(log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "SOME", 100)
    said: list[str] = []

    shortcut.brought_up(Snapshot(), read_all(log.replay()), NOW, said.append)

    assert said == ["reading the event log: 100 events so far", "reading the event log: 200 events so far"]


def test_a_snapshot_made_by_other_code_is_not_believed(log: EventLog, tmp_path: Path) -> None:
    _, past, _ = stood(log, tmp_path)
    shortcut.keep(tmp_path, past, log)
    kept = store.read(tmp_path)
    assert kept is not None

    store.write(tmp_path, replace(kept, code="0" * 64))

    assert shortcut.found(tmp_path, log, NOW) == Snapshot()


def test_a_snapshot_of_another_log_is_not_believed(log: EventLog, tmp_path: Path) -> None:
    _, past, _ = stood(log, tmp_path)
    shortcut.keep(tmp_path, past, log)
    other = EventLog(tmp_path / "other.db", host="web-2", boot="b").open()
    other.append([row(ev.DaemonStopped(reason="x"), NOW)] * 200, NOW)

    assert shortcut.found(tmp_path, other, NOW) == Snapshot()
    other.close()


def test_a_snapshot_with_a_flipped_bit_or_cut_short_is_not_believed(log: EventLog, tmp_path: Path) -> None:
    _, past, _ = stood(log, tmp_path)
    shortcut.keep(tmp_path, past, log)
    whole = (tmp_path / store.NAME).read_bytes()

    for place in range(0, len(whole), 7):
        bent = bytearray(whole)
        bent[place] ^= 1
        (tmp_path / store.NAME).write_bytes(bent)
        assert shortcut.found(tmp_path, log, NOW) == Snapshot(), place
        (tmp_path / store.NAME).write_bytes(whole[:place])
        assert shortcut.found(tmp_path, log, NOW) == Snapshot(), place


def test_a_snapshot_of_today_is_not_old_enough_to_tell_the_last_days_again(log: EventLog, tmp_path: Path) -> None:
    _, _, present = stood(log, tmp_path)
    shortcut.keep(tmp_path, present, log)

    assert shortcut.found(tmp_path, log, NOW) == Snapshot()
    assert shortcut.found(tmp_path, log, NOW + shortcut.AGE) == present


def test_what_is_not_in_the_log_yet_is_not_kept(log: EventLog, tmp_path: Path) -> None:
    held = Snapshot(state=State(seq=241, at=NOW))

    assert not shortcut.keep(tmp_path, held, log)
    assert store.read(tmp_path) is None


def test_a_disk_that_says_no_is_no_trouble(log: EventLog, tmp_path: Path) -> None:
    _, past, _ = stood(log, tmp_path)

    assert not shortcut.keep(tmp_path / "gone", past, log)


def test_a_running_daemon_keeps_a_snapshot_that_is_some_days_old_each_day(log: EventLog, tmp_path: Path) -> None:
    keeper = shortcut.Keeper(tmp_path, log)
    for hour in range(24 * 6):
        at = NOW + timedelta(hours=hour)
        done = log.append([row(ev.HeartbeatDone(good=1, bad=0, blind=0, late=0.0, seconds=0.1), at)], at)
        keeper.note(Snapshot(state=State(seq=done[-1].seq, at=at)), at)
    end = NOW + timedelta(days=6)

    begin = shortcut.found(tmp_path, log, end)

    assert begin.state.at is not None
    assert shortcut.AGE <= end - begin.state.at <= shortcut.AGE + shortcut.APART


def test_what_is_purged_from_the_log_is_gone_from_the_snapshot_too(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.db", host="web-1", boot="b").open()
    event = ev.PauseSet(target="api", until=NOW, pages=True, repairs=True, by="ada", reason="the word is hunter2")
    log.append([row(event, NOW - timedelta(days=9)), row(ev.DaemonStopped(reason="x"), NOW - timedelta(days=8))], NOW)
    _, past, _ = stood(log, tmp_path)
    shortcut.keep(tmp_path, past, log)
    log.close()
    assert b"hunter2" in (tmp_path / store.NAME).read_bytes()

    purge(tmp_path, 1, "a secret", row(ev.MemoryPurged(purged=1, because="a secret"), NOW))

    assert not any(b"hunter2" in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
