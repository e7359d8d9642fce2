"""What every look said, kept for trends and figures: 30 days in full, 400 days by five minutes.

Not the truth (that is the event log) and not as safe: what was added since the last `flush` is lost with the
process, and a power cut may lose the last flushes too. A gap means that nobody looked; it is never bad.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.store import chunks, history, migration, sample_tables, slots
from opsagent.store.chunks import STATUSES, Sample, millis
from opsagent.store.database import close_keeping_wal, connect, disk_words, our_words, transaction

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from opsagent.core.observation import Status

NAME = "samples.db"
FULL_FOR = timedelta(days=30)
SUMMED_FOR = timedelta(days=400)
CHUNK = 512
"""Samples of one check that make a chunk: half a day of a look a minute."""
CLOSE_AFTER = timedelta(days=2)
"""A check that is looked at rarely has its chunk closed by age."""
AT_ONCE = 2
"""Chunks closed or summed up in one flush: 100 checks fill theirs in the same minute, and the caller must not wait."""
ADD_FULL = "INSERT INTO full(check_id, first, last, data) VALUES(?, ?, ?, ?)"
ADD_SUMMED = "INSERT INTO summed(check_id, first, last, data) VALUES(?, ?, ?, ?)"


class Samples:
    """The one writer of the samples. `set_aside` is where a damaged file was kept, if it was."""

    def __init__(self, path: Path, connection: sqlite3.Connection, set_aside: Path | None) -> None:
        """Keep an open connection; `open` makes one."""
        self._path = path
        self._connection = connection
        self._buffer: list[tuple[str, Sample]] = []
        self.set_aside = set_aside

    @classmethod
    def open(cls, path: Path, now: datetime) -> Self:
        """Open the samples for writing; a damaged file is kept under another name, and a new one begun."""
        set_aside = None
        try:
            connection = _opened(path)
        except StoreError as error:
            if error.kind is not StoreTrouble.CORRUPT:
                raise
            set_aside = _set_aside(path, now)
            connection = _opened(path)
        return cls(path, connection, set_aside)

    def close(self) -> None:
        """Write what is buffered, and close. StoreError when it cannot be written."""
        try:
            self._write()
        finally:
            close_keeping_wal(self._connection, self._path)

    def history(self) -> history.History:
        """Return a look at what is written so far; it shares this connection, so do not close it."""
        return history.History(self._connection)

    def add(self, check: str, at: datetime, status: Status, value: float | None, failure_class: str | None) -> None:
        """Buffer one look (UTC); `flush` writes it."""
        self._buffer.append((check, Sample(at=at, status=status, value=value, failure_class=failure_class)))

    def flush(self, now: datetime) -> None:
        """Write what was added, close full chunks, sum up and forget what is old. For the fast loop.

        StoreError when the disk does not let us: what was added stays buffered, at most 100,000 looks of it.
        """
        self._write()
        with our_words("tidy the samples"), transaction(self._connection):
            self._close_chunks(now)
            self._sum_up(now)
            last = (millis(now - SUMMED_FOR),)
            self._connection.execute("DELETE FROM summed WHERE last < ?", last)

    def _write(self) -> None:
        del self._buffer[:-100_000]
        if not self._buffer:
            return
        with our_words("write the samples"), transaction(self._connection):
            names = {(check,) for check, _ in self._buffer}
            self._connection.executemany("INSERT INTO checks(name) VALUES(?) ON CONFLICT(name) DO NOTHING", names)
            self._connection.executemany(
                "INSERT OR REPLACE INTO recent SELECT id, ?, ?, ?, ? FROM checks WHERE name = ?",
                (
                    (millis(look.at), STATUSES.index(look.status), look.value, look.failure_class, check)
                    for check, look in self._buffer
                ),
            )
        self._buffer.clear()

    def _close_chunks(self, now: datetime) -> None:
        query = """SELECT check_id FROM recent GROUP BY check_id HAVING count(*) >= ? OR min(at) < ? LIMIT ?"""
        ripe = self._connection.execute(query, (CHUNK, millis(now - CLOSE_AFTER), AT_ONCE)).fetchall()
        for (check,) in ripe:
            samples = history.recent(self._connection, check, chunks.MOST)
            first, last = millis(samples[0].at), millis(samples[-1].at)
            self._connection.execute(ADD_FULL, (check, first, last, chunks.pack(samples)))
            self._connection.execute("DELETE FROM recent WHERE check_id = ? AND at <= ?", (check, last))

    def _sum_up(self, now: datetime) -> None:
        query = "SELECT id, check_id, first, last, data FROM full WHERE last < ? ORDER BY last LIMIT ?"
        old = self._connection.execute(query, (millis(now - FULL_FOR), AT_ONCE)).fetchall()
        for number, check, first, last, data in old:
            summed = slots.pack(slots.slots_of(chunks.unpack(data)))
            self._connection.execute(ADD_SUMMED, (check, first, last, summed))
            self._connection.execute("DELETE FROM full WHERE id = ?", (number,))


def _opened(path: Path) -> sqlite3.Connection:
    """Connect, look for damage, make the tables of a new file. StoreError says CORRUPT for what is no use."""
    with our_words(f"open {path}"):
        connection = connect(path, "NORMAL")
        try:
            _prepare(connection)
        except (sqlite3.Error, StoreError):
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreError(StoreTrouble.CORRUPT, f"cannot use the samples: {verdict}")
    migration.forward(connection, sample_tables.STEPS)


def _set_aside(path: Path, now: datetime) -> Path:
    """Keep a damaged file; what its -wal held is not worth keeping."""
    aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
    with disk_words(f"set the damaged {path} aside"):
        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.rename(aside)
    return aside
