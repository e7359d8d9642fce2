"""The event log against real files."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.log_row import (
    OPENING,
    IncidentRow,
    NewRow,
    OutboxRow,
    OutboxState,
    OutboxUpdate,
    StoreError,
    StoreTrouble,
)
from opsagent.store.opening import open_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opsagent.store.eventlog import EventLog

NOW = datetime(2026, 11, 21, 2, 14, 7, 123456, tzinfo=UTC)
SEEN = NewRow(at=NOW, type="seen", v=1, data='{"check":"api"}')


def message(key: str, **changes: object) -> OutboxRow:
    row = OutboxRow(key=key, seq=1, notifier="mail", payload='{"title":"api down"}', next_at=NOW)
    return replace(row, **changes)


def incident(seq: int, label: str) -> IncidentRow:
    return IncidentRow(
        seq=seq,
        label=label,
        key="api.service",
        check="api",
        state="repairing",
        opened_at=NOW,
        closed_at=None,
        json="{}",
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    opened = open_log(tmp_path / "events.db", host="web-1", boot="b1", now=NOW).log
    yield opened
    opened.close()


def reopened(log: EventLog) -> EventLog:
    log.close()
    return open_log(log.path, host="web-1", boot="b2", now=NOW).log


def test_what_was_appended_is_replayed_in_order_with_every_field(log: EventLog) -> None:
    opening = NewRow(at=NOW, type="opened", v=2, data='{"ü":"\\u0000"}', actor="anna", incident=OPENING, because=1)

    rows = log.append([SEEN, opening], NOW)

    assert tuple(log.replay()) == rows
    assert rows[1].seq == rows[1].incident == 2
    assert (rows[1].at, rows[1].host, rows[1].boot, rows[1].actor, rows[1].because) == (NOW, "web-1", "b1", "anna", 1)


def test_numbers_go_on_after_a_restart_and_a_replay_can_begin_anywhere(log: EventLog) -> None:
    log.append([SEEN, SEEN], NOW)

    again = reopened(log)
    third = again.append([SEEN], NOW)

    assert [row.seq for row in third] == [3]
    assert [(row.seq, row.boot) for row in again.replay(after=1)] == [(2, "b1"), (3, "b2")]
    again.close()


def test_a_turn_is_recorded_whole_or_not_at_all(log: EventLog) -> None:
    broken = replace(SEEN, data=None)

    with pytest.raises(sqlite3.IntegrityError):
        log.append([SEEN, broken], NOW, outbox=[message("k")], meta=[("cursor", "x")], spooled=["u"])

    assert list(log.replay()) == []
    assert log.outbox() == ()
    assert log.meta("cursor") is None
    assert not log.is_spooled("u")
    assert log.append([SEEN], NOW)[0].seq == 1


def test_everything_of_a_turn_is_there_after_a_restart(log: EventLog) -> None:
    log.append([SEEN], NOW, outbox=[message("k")], meta=[("cursor", "x")], spooled=["u"])

    again = reopened(log)

    assert [row.key for row in again.outbox()] == ["k"]
    assert again.meta("cursor") == "x"
    assert again.is_spooled("u")
    again.close()


def test_a_message_is_due_from_its_time_on_until_it_is_sent(log: EventLog) -> None:
    later = NOW + timedelta(minutes=1)
    log.append([SEEN], NOW, outbox=[message("k", next_at=later)])

    before, then = log.due(NOW), log.due(later)
    log.append([], later, outbox_updates=[OutboxUpdate(key="k", state=OutboxState.SENT, attempts=1, next_at=later)])

    assert before == ()
    assert [(row.key, row.created_at, row.payload) for row in then] == [("k", NOW, '{"title":"api down"}')]
    assert log.due(later) == ()
    assert [row.attempts for row in log.outbox(OutboxState.SENT)] == [1]


def test_the_same_message_is_put_into_the_outbox_once(log: EventLog) -> None:
    log.append([SEEN], NOW, outbox=[message("k")])
    log.append([], NOW, outbox_updates=[OutboxUpdate(key="k", state=OutboxState.SENT, attempts=1, next_at=NOW)])

    log.append([SEEN], NOW, outbox=[message("k")])

    assert log.outbox(OutboxState.PENDING) == ()


def test_labels_count_per_date_and_skip_what_stands_in_files(log: EventLog) -> None:
    day = date(2026, 11, 21)

    given = [log.next_label(day, also_used=["OPS-20261121-002"]) for _ in range(2)]

    assert given == ["OPS-20261121-001", "OPS-20261121-003"]
    assert log.next_label(date(2026, 11, 22)) == "OPS-20261122-001"


def test_a_label_of_an_incident_is_never_given_again(log: EventLog) -> None:
    day = date(2026, 11, 21)
    log.append([SEEN], NOW, incidents=[incident(1, log.next_label(day))])

    again = reopened(log)

    assert again.next_label(day) == "OPS-20261121-002"
    again.close()


def test_a_row_that_was_changed_behind_our_back_is_left_out_and_told_of(log: EventLog) -> None:
    log.append([SEEN, SEEN, SEEN], NOW)
    log.close()
    with sqlite3.connect(log.path) as other:
        other.execute("UPDATE events SET data = '{}' WHERE seq = 2")
    other.close()

    again = open_log(log.path, host="web-1", boot="b2", now=NOW).log

    assert [row.seq for row in again.replay()] == [1, 3]
    assert again.unsound == [2]
    again.close()


def test_a_database_of_a_newer_opsagent_is_refused(log: EventLog) -> None:
    log.close()
    with sqlite3.connect(log.path) as other:
        other.execute("PRAGMA user_version=9")
        other.execute("UPDATE meta SET value='9' WHERE key='schema'")
    other.close()

    with pytest.raises(StoreError, match="install the newer") as caught:
        open_log(log.path, host="web-1", boot="b2", now=NOW)

    assert caught.value.kind is StoreTrouble.NEWER


def test_a_naive_time_is_a_mistake_of_the_program(log: EventLog) -> None:
    with pytest.raises(TypeError):
        log.append([replace(SEEN, at=NOW.replace(tzinfo=None))], NOW)

    assert log.last_seq == 0


def test_every_commit_waits_for_the_disk(log: EventLog) -> None:
    modes = [log._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert modes == ["wal", 2]


def test_a_closed_log_says_so(log: EventLog) -> None:
    log.close()

    with pytest.raises(StoreError, match="cannot use"):
        log.due(NOW)
