"""The event log: what happened, in order, never changed. Only the daemon opens it, and one thread uses it.

Numbers (`seq`) grow without a gap while the log is in use: the rows of the next append get `last_seq + 1` and on.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

from opsagent.core.log_row import Batch, OutboxState, StoreError, StoreTrouble
from opsagent.store import ballast, labels, schema
from opsagent.store.database import (
    close_keeping_wal,
    connect,
    micros,
    our_words,
    transaction,
    trouble_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from opsagent.core.log_row import IncidentRow, NewRow, OutboxRow, OutboxUpdate, Row

FATAL = {StoreTrouble.IO, StoreTrouble.CORRUPT}
"""After these the connection is not trusted again: what the kernel dropped, a second fsync would not report."""


class EventLog:
    """The one writer. Make it with `opening.open_log`, which looks for damage first.

    `unsound` are the numbers of rows left out of a replay because they are not as they were written;
    `recovered` counts I/O errors after which the log was reopened and found whole.
    """

    def __init__(self, path: Path, *, host: str, boot: str) -> None:
        """Remember where; `open` does the work."""
        self.path = path
        self.host = host
        self.boot = boot
        self.last_seq = 0
        self.recovered = 0
        self.unsound: list[int] = []
        self._ballast = path.with_name("ballast")
        self._connection: sqlite3.Connection | None = None
        self._given: set[str] = set()

    def open(self) -> Self:
        """Connect, make the tables of a new log, find the last number. Raises StoreError."""
        self._connection = self._connect()
        with our_words(f"read {self.path}"):
            self.last_seq = schema.last_seq(self._connection)
        ballast.lay_out(self._ballast)
        return self

    def close(self) -> None:
        """Close in good order; the files stay readable for those who may not write here."""
        if self._connection is not None:
            close_keeping_wal(self._connection, self.path)
            self._connection = None

    def append(
        self,
        rows: Sequence[NewRow],
        at: datetime,
        *,
        outbox: Sequence[OutboxRow] = (),
        incidents: Sequence[IncidentRow] = (),
        outbox_updates: Sequence[OutboxUpdate] = (),
        meta: Sequence[tuple[str, str]] = (),
        spooled: Sequence[str] = (),
    ) -> tuple[Row, ...]:
        """Record one turn in one transaction: when this returns it is on the disk, when it raises nothing is promised.

        Raises StoreError. After FULL the ballast was given up and that was not enough; FULL, READONLY and BUSY may
        be tried again. After IO the log reopens and checks itself; when the rows turn out to be there, whole, they
        are returned as recorded. After DOUBT the process must end, and replay what the log holds when it starts.
        """
        batch = Batch(
            at=at,
            rows=tuple(rows),
            outbox=tuple(outbox),
            outbox_updates=tuple(outbox_updates),
            incidents=tuple(incidents),
            meta=tuple(meta),
            spooled=tuple(spooled),
        )
        return self.record(batch, self.number(batch))

    def number(self, batch: Batch, after: int | None = None) -> tuple[Row, ...]:
        """Give a batch the numbers it will have after the last row (or after `after`), without recording it."""
        first = (self.last_seq if after is None else after) + 1
        return schema.numbered(batch, first, self.host, self.boot)

    def record(self, batch: Batch, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Record a batch whose rows were numbered by `number`. As `append`."""
        if self._connection is None and self._reopen(rows):
            return self._keep(batch, rows)
        error = self._try(batch, rows)
        if error and trouble_of(error) is StoreTrouble.FULL and ballast.drop(self._ballast):
            error = self._try(batch, rows)
        if error is None or self._is_there_all_the_same(error, rows):
            return self._keep(batch, rows)
        raise StoreError(trouble_of(error) or StoreTrouble.IO, f"cannot append to {self.path}: {error}") from error

    def _try(self, batch: Batch, rows: tuple[Row, ...]) -> sqlite3.Error | None:
        """Write once; return what the disk said against it. Mistakes of the program are raised."""
        try:
            with transaction(self._db):
                schema.write(self._db, batch, rows)
        except sqlite3.Error as error:
            if trouble_of(error) is None:
                raise
            return error
        return None

    def _is_there_all_the_same(self, error: sqlite3.Error, rows: tuple[Row, ...]) -> bool:
        """After an I/O error trust nothing: close, reopen, check, and look whether the rows are there."""
        if trouble_of(error) not in FATAL:
            return False
        self._abandon()
        return self._reopen(rows)

    def _keep(self, batch: Batch, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Note what is recorded now."""
        self.last_seq = rows[-1].seq if rows else self.last_seq
        self._given.difference_update(row.label for row in batch.incidents)
        return rows

    def _abandon(self) -> None:
        """Drop a connection whose disk failed, whatever closing it says."""
        connection, self._connection = self._connection, None
        try:
            self._close_plain(connection)
        except sqlite3.Error:
            return

    @staticmethod
    def _close_plain(connection: sqlite3.Connection | None) -> None:
        if connection is not None:
            connection.close()

    def _reopen(self, rows: tuple[Row, ...]) -> bool:
        """Open again after an I/O error; True when the rows in question are there, whole and on the disk."""
        connection = self._connect()
        try:
            with our_words(f"reopen {self.path}"):
                is_there = self._settle(connection, rows)
        except StoreError:
            connection.close()
            raise
        self._connection = connection
        self.recovered += 1
        return is_there

    def _settle(self, connection: sqlite3.Connection, rows: tuple[Row, ...]) -> bool:
        """Check the file, then write the WAL into it anew: pages whose sync failed count as clean for the kernel."""
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise StoreError(StoreTrouble.CORRUPT, f"cannot go on with {self.path}: {verdict}")
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise StoreError(StoreTrouble.BUSY, f"cannot reopen {self.path} yet: somebody reads it")
        found = tuple(self._rows_after(connection, self.last_seq))
        if found and found != rows:
            message = f"cannot go on with {self.path}: rows after {self.last_seq} were written that nobody was told of"
            raise StoreError(StoreTrouble.DOUBT, f"{message}; restart opsagent, which replays them")
        return bool(found)

    def _connect(self) -> sqlite3.Connection:
        with our_words(f"open {self.path}"):
            connection = connect(self.path, "FULL")
            try:
                schema.prepare(connection)
            except (sqlite3.Error, StoreError):
                connection.close()
                raise
            return connection

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection; StoreError when an I/O error took it and no append has brought it back."""
        if self._connection is None:
            raise StoreError(StoreTrouble.IO, f"cannot use {self.path}: it is closed after an error of the disk")
        return self._connection

    def replay(self, after: int = 0) -> Iterator[Row]:
        """Yield every row after a number, in order. A row that is not as it was written is left out and told of."""
        with our_words(f"read {self.path}"):
            yield from self._rows_after(self._db, after)

    def _rows_after(self, connection: sqlite3.Connection, after: int) -> Iterator[Row]:
        for cells in connection.execute(f"{schema.ALL_EVENTS} WHERE seq > ? ORDER BY seq", (after,)):
            if schema.is_sound(cells):
                yield schema.event_of(cells)
            elif cells[0] not in self.unsound:
                self.unsound.append(cells[0])

    def due(self, now: datetime, limit: int = 100) -> tuple[OutboxRow, ...]:
        """Return the messages to try now, the longest waiting first."""
        query = f"{schema.ALL_OUTBOX} WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, seq LIMIT ?"
        with our_words(f"read the outbox in {self.path}"):
            return tuple(schema.outbox_of(cells) for cells in self._db.execute(query, (micros(now), limit)))

    def outbox(self, state: OutboxState = OutboxState.PENDING, limit: int = 1000) -> tuple[OutboxRow, ...]:
        """Return the messages in a state, oldest first."""
        query = f"{schema.ALL_OUTBOX} WHERE state = ? ORDER BY created_at, seq LIMIT ?"
        with our_words(f"read the outbox in {self.path}"):
            return tuple(schema.outbox_of(cells) for cells in self._db.execute(query, (state, limit)))

    def meta(self, key: str) -> str | None:
        """Return what is noted under a key, or None."""
        with our_words(f"read {self.path}"):
            found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def set_meta(self, key: str, value: str, at: datetime) -> None:
        """Note a value under a key, on its own. With events, give it to `append` instead."""
        self.append((), at, meta=((key, value),))

    def is_spooled(self, uuid: str) -> bool:
        """Tell whether a spool file has become an event already."""
        with our_words(f"read {self.path}"):
            return self._db.execute("SELECT 1 FROM spooled WHERE uuid = ?", (uuid,)).fetchone() is not None

    def next_label(self, day: date, also_used: Collection[str] = ()) -> str:
        """Return a fresh label of a UTC date; it is taken when an incident with it is appended.

        Never gives one twice while the process lives, nor one in `also_used` (labels that stand in files).
        """
        query = "SELECT label FROM labels WHERE label BETWEEN ? AND ?"
        stamp = f"{day:%Y%m%d}"
        with our_words(f"read {self.path}"):
            taken = {row[0] for row in self._db.execute(query, (f"OPS-{stamp}-", f"OPS-{stamp}-~"))}
        label = labels.next_label(stamp, taken | self._given | set(also_used))
        self._given.add(label)
        return label

    def restore_ballast(self) -> bool:
        """Lay the ballast out again when the disk can spare it; True when it lies there. For the heartbeat."""
        return ballast.lay_out(self._ballast)

    def has_ballast(self) -> bool:
        """Tell whether the ballast lies there; False means that the disk was full."""
        return ballast.is_laid_out(self._ballast)
