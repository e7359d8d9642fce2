"""After an I/O error the log trusts nothing: it closes, opens again, checks, and only then says what is recorded."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core.log_row import NewRow, StoreError, StoreTrouble
from opsagent.store.opening import open_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opsagent.store.eventlog import EventLog

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ONE = NewRow(at=NOW, type="one", v=1, data="{}")
TWO = NewRow(at=NOW, type="two", v=1, data="{}")


class Failing:
    """A connection whose COMMIT fails: before the rows are written, or after."""

    def __init__(self, real: sqlite3.Connection, *, after: bool, code: int = sqlite3.SQLITE_IOERR_FSYNC) -> None:
        self.real, self.after, self.code = real, after, code

    def execute(self, query: str, *values: Any) -> Any:
        if query != "COMMIT":
            return self.real.execute(query, *values)
        if self.after:
            self.real.execute(query)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = self.code
        raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    opened = open_log(tmp_path / "events.db", host="h", boot="b", now=NOW).log
    yield opened
    opened.close()


def fail(log: EventLog, *, after: bool, code: int = sqlite3.SQLITE_IOERR_FSYNC) -> None:
    log._connection = Failing(log._connection, after=after, code=code)


def refuse_to_open(*_: object) -> None:
    raise StoreError(StoreTrouble.IO, "cannot open: disk I/O error")


def test_rows_that_turn_out_to_be_there_are_recorded_once(log: EventLog) -> None:
    fail(log, after=True)

    rows = log.append([ONE], NOW)

    assert tuple(log.replay()) == rows
    assert log.recovered == 1
    assert [row.seq for row in log.append([TWO], NOW)] == [2]


def test_rows_that_are_not_there_are_refused_and_the_log_goes_on(log: EventLog) -> None:
    fail(log, after=False)

    with pytest.raises(StoreError) as caught:
        log.append([ONE], NOW)

    assert caught.value.kind is StoreTrouble.IO
    assert log.append([TWO], NOW)[0].seq == 1
    assert [row.type for row in log.replay()] == ["two"]


def test_when_it_cannot_be_opened_again_at_once_the_same_rows_are_found_later(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(log, after=True)
    with monkeypatch.context() as patch:
        patch.setattr(log, "_connect", refuse_to_open)
        with pytest.raises(StoreError):
            log.append([ONE], NOW)

    rows = log.append([ONE], NOW)

    assert tuple(log.replay()) == rows


def test_rows_that_nobody_was_told_of_are_never_built_upon(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(log, after=True)
    with monkeypatch.context() as patch:
        patch.setattr(log, "_connect", refuse_to_open)
        with pytest.raises(StoreError):
            log.append([ONE], NOW)

    with pytest.raises(StoreError, match="restart opsagent") as caught:
        log.append([TWO], NOW)

    assert caught.value.kind is StoreTrouble.DOUBT
    again = open_log(log.path, host="h", boot="b", now=NOW).log
    assert [row.type for row in again.replay()] == ["one"]
    again.close()


def test_a_busy_database_is_an_error_that_may_be_tried_again(log: EventLog) -> None:
    fail(log, after=False, code=sqlite3.SQLITE_BUSY)

    with pytest.raises(StoreError) as caught:
        log.append([ONE], NOW)

    assert caught.value.kind is StoreTrouble.BUSY
    log._connection = log._connection.real
    assert log.append([ONE], NOW)[0].seq == 1


def test_a_full_disk_is_tried_once_more_on_the_ballast(log: EventLog) -> None:
    assert log.has_ballast()
    fail(log, after=False, code=sqlite3.SQLITE_FULL)

    with pytest.raises(StoreError) as caught:
        log.append([ONE], NOW)

    assert caught.value.kind is StoreTrouble.FULL
    assert not log.has_ballast()
    assert log.restore_ballast()
    log._connection = log._connection.real
