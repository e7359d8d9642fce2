"""What could not be recorded yet: observations wait in memory, in order, while the disk is full or read-only.

An action is never held: it must be on the disk before it happens, so its record is appended or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from opsagent.core.log_row import StoreError, StoreTrouble

if TYPE_CHECKING:
    from opsagent.core.log_row import Batch, Row

LIMIT = 1000
"""Rows held at most, about a megabyte: enough for a night of a full disk."""


class Log(Protocol):
    """What this needs of the event log."""

    last_seq: int

    def number(self, batch: Batch, after: int | None = None) -> tuple[Row, ...]:
        """Number the rows of a batch."""

    def record(self, batch: Batch, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Record numbered rows, or raise StoreError."""


class Pending:
    """The agent's door to the event log. `dropped` counts the rows that found no room; `trouble` is the last refusal.

    While something waits, `trouble` is not None. When DOUBT is raised the process must end: see `EventLog.append`.
    """

    def __init__(self, log: Log, limit: int = LIMIT) -> None:
        """Stand before a log; hold at most `limit` rows."""
        self._log = log
        self._limit = limit
        self._held: list[tuple[Batch, tuple[Row, ...]]] = []
        self.dropped = 0
        self.trouble: StoreError | None = None

    def __len__(self) -> int:
        """The number of rows that wait."""
        return sum(len(rows) for _, rows in self._held)

    @property
    def next_seq(self) -> int:
        """The number that the first row of the next batch will have, recorded or held."""
        return self._last_given() + 1

    def commit(self, batch: Batch) -> tuple[Row, ...]:
        """Record what waits and then this, or raise StoreError and keep nothing of this: for actions."""
        self.flush()
        return self._log.record(batch, self._log.number(batch))

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        """Record this, or hold it until `flush`: for observations. The rows have the numbers they will keep.

        Returns nothing when there is no room to hold it: then it is dropped and counted, and must not be folded.
        """
        try:
            return self.commit(batch)
        except StoreError as error:
            if error.kind is StoreTrouble.DOUBT:
                raise
            self.trouble = error
        return self._hold(batch)

    def flush(self) -> int:
        """Record what waits, in order; return how many rows were. StoreError when the disk still says no."""
        recorded = 0
        while self._held:
            recorded += len(self._log.record(*self._held[0]))
            del self._held[0]
        self.trouble = None
        return recorded

    def _hold(self, batch: Batch) -> tuple[Row, ...]:
        if len(self) + len(batch.rows) > self._limit:
            self.dropped += len(batch.rows)
            return ()
        rows = self._log.number(batch, self._last_given())
        self._held.append((batch, rows))
        return rows

    def _last_given(self) -> int:
        """Return the last number given, held or recorded."""
        return max((rows[-1].seq for _, rows in self._held if rows), default=self._log.last_seq)
