"""Reading the samples: every look of the last 30 days, and five minutes at a time before that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from opsagent.store import chunks, sample_tables, slots
from opsagent.store.chunks import MILLISECOND, STATUSES, Sample, millis
from opsagent.store.database import EPOCH, our_words
from opsagent.store.reader import open_to_read

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from opsagent.store.slots import Slot


class History:
    """A read-only look at the samples."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Keep an open connection; `open` makes one."""
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the samples for reading, also beside a running daemon. StoreError, or FileNotFoundError for none."""
        with our_words(f"read {path}"):
            return cls(open_to_read(path, sample_tables.VERSION))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def read(self, check: str, since: datetime, until: datetime) -> tuple[Sample, ...]:
        """Return every look at a check in a span (UTC, `until` left out), in order of time."""
        with our_words("read the samples"):
            number = self._number(check)
            closed = self._chunks("full", number, since, until)
            found = [sample for data in closed for sample in chunks.unpack(data)]
            found += recent(self._connection, number, chunks.MOST)
        return tuple(sorted((one for one in found if since <= one.at < until), key=lambda sample: sample.at))

    def statuses(self, check: str, since: datetime) -> Iterator[tuple[Sequence[int], bytes]]:
        """Yield looks at a check in order, some hundreds at a time: when, in ms since 1970, and places in `STATUSES`.

        A few from before `since` may come first: of a chunk that reaches into the span all are told.
        """
        with our_words("read the samples"):
            number = self._number(check)
            query = "SELECT data FROM full WHERE check_id = ? AND last >= ? ORDER BY first"
            for (data,) in self._connection.execute(query, (number, millis(since))):
                found = chunks.columns(data)
                yield found.times, found.statuses
            query = "SELECT at, status FROM recent WHERE check_id = ? AND at >= ? ORDER BY at"
            rows = self._connection.execute(query, (number, millis(since))).fetchall()
            yield tuple(at for at, _ in rows), bytes(status for _, status in rows)

    def columns(self, check: str, since: datetime, until: datetime) -> Iterator[chunks.Columns]:
        """Yield looks at a check in order, some hundreds at a time; some from before and after the span come along."""
        with our_words("read the samples"):
            number = self._number(check)
            for data in self._chunks("full", number, since, until):
                yield chunks.columns(data)
            yield chunks.columns_of(recent(self._connection, number, chunks.MOST))

    def sums(self, check: str, since: datetime, until: datetime) -> tuple[Slot, ...]:
        """Return the five-minute sums of a check in a span, of the last 30 days and of those before."""
        with our_words("read the samples"):
            number = self._number(check)
            old = [slot for data in self._chunks("summed", number, since, until) for slot in slots.unpack(data)]
        every = slots.merged([*old, *slots.slots_of(self.read(check, since, until))])
        return tuple(slot for slot in every if since <= slot.at < until)

    def checks(self) -> tuple[str, ...]:
        """Return the names of all checks that were ever looked at."""
        with our_words("read the samples"):
            return tuple(str(row[0]) for row in self._connection.execute("SELECT name FROM checks ORDER BY name"))

    def latest(self) -> datetime | None:
        """Return when the newest look was taken that is written (UTC), None where there is none or all are packed."""
        with our_words("read the samples"):
            row = self._connection.execute("SELECT MAX(at) FROM recent").fetchone()
        return EPOCH + row[0] * MILLISECOND if row[0] is not None else None

    def _number(self, check: str) -> int:
        found = self._connection.execute("SELECT id FROM checks WHERE name = ?", (check,)).fetchone()
        return 0 if found is None else int(found[0])

    def _chunks(self, table: str, number: int, since: datetime, until: datetime) -> list[bytes]:
        query = f"SELECT data FROM {table} WHERE check_id = ? AND last >= ? AND first < ? ORDER BY first"  # noqa: S608 - ours
        return [row[0] for row in self._connection.execute(query, (number, millis(since), millis(until)))]


def recent(connection: sqlite3.Connection, number: int, limit: int) -> tuple[Sample, ...]:
    """Return the looks at a check that are in no chunk yet, oldest first."""
    query = "SELECT at, status, value, class FROM recent WHERE check_id = ? ORDER BY at LIMIT ?"
    return tuple(
        Sample(at=EPOCH + at * MILLISECOND, status=STATUSES[status], value=value, failure_class=kind)
        for at, status, value, kind in connection.execute(query, (number, limit))
    )
