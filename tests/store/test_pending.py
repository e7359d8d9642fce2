from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opsagent.core.log_row import OPENING, Batch, NewRow, Row, StoreError, StoreTrouble
from opsagent.store import schema
from opsagent.store.pending import Pending

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FULL = StoreError(StoreTrouble.FULL, "cannot append: the disk is full")


class FakeLog:
    """A log whose disk can be full."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.rows: list[Row] = []
        self.error: StoreError | None = None

    def number(self, batch: Batch, after: int | None = None) -> tuple[Row, ...]:
        return schema.numbered(batch, (self.last_seq if after is None else after) + 1, "h", "b")

    def record(self, batch: Batch, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        if self.error:
            raise self.error
        self.rows += rows
        self.last_seq = rows[-1].seq
        return rows


def turn(*kinds: str) -> Batch:
    return Batch(at=NOW, rows=tuple(NewRow(at=NOW, type=kind, v=1, data="{}", incident=OPENING) for kind in kinds))


def test_while_the_disk_is_good_rows_go_straight_to_the_log() -> None:
    log = FakeLog()
    pending = Pending(log)

    rows = pending.commit_or_hold(turn("seen"))

    assert tuple(log.rows) == rows
    assert (len(pending), pending.trouble) == (0, None)


def test_what_is_held_keeps_its_numbers_and_its_order_when_the_disk_is_free_again() -> None:
    log = FakeLog()
    pending = Pending(log)
    log.error = FULL
    held = pending.commit_or_hold(turn("one", "two")) + pending.commit_or_hold(turn("three"))
    assert (len(pending), pending.trouble, pending.next_seq) == (3, FULL, 4)
    log.error = None

    last = pending.commit_or_hold(turn("four"))

    assert tuple(log.rows) == held + last
    assert [row.seq for row in log.rows] == [row.incident for row in log.rows] == [1, 2, 3, 4]
    assert (len(pending), pending.trouble, pending.next_seq) == (0, None, 5)


def test_an_action_is_never_held() -> None:
    log = FakeLog()
    pending = Pending(log)
    log.error = FULL

    with pytest.raises(StoreError):
        pending.commit(turn("repairing"))

    assert len(pending) == 0


def test_an_action_is_refused_while_what_happened_before_it_cannot_be_recorded() -> None:
    log = FakeLog()
    pending = Pending(log)
    log.error = FULL
    pending.commit_or_hold(turn("seen"))

    with pytest.raises(StoreError):
        pending.commit(turn("repairing"))

    log.error = None
    pending.commit(turn("repairing"))
    assert [row.type for row in log.rows] == ["seen", "repairing"]


def test_what_finds_no_room_is_counted_and_what_is_held_stays_the_oldest() -> None:
    log = FakeLog()
    pending = Pending(log, limit=2)
    log.error = FULL

    kept = [pending.commit_or_hold(turn(kind)) for kind in ("one", "two", "three", "four")]

    assert [len(rows) for rows in kept] == [1, 1, 0, 0]
    assert pending.dropped == 2
    log.error = None
    assert pending.flush(NOW) == 2
    assert [row.type for row in log.rows] == ["one", "two"]


def test_doubt_is_never_swallowed() -> None:
    log = FakeLog()
    pending = Pending(log)
    log.error = StoreError(StoreTrouble.DOUBT, "cannot go on")

    with pytest.raises(StoreError):
        pending.commit_or_hold(turn("seen"))

    assert len(pending) == 0
