"""What could not be recorded yet: observations wait in memory, in order, while the disk is full or read-only.

An action is never held: it must be on the disk before it happens, so its record is appended or refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from opsagent.core.log_row import Batch, OutboxState, StoreError, StoreTrouble

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.log_row import OutboxRow, OutboxUpdate, Row

LIMIT = 1000
"""Rows held at most, about a megabyte: enough for a night of a full disk."""


class Log(Protocol):
    """What this needs of the event log."""

    last_seq: int

    def number(self, batch: Batch, after: int | None = None) -> tuple[Row, ...]:
        """Number the rows of a batch."""

    def record(self, batch: Batch, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Record numbered rows, or raise StoreError."""

    def due(self, now: datetime, limit: int = 100) -> tuple[OutboxRow, ...]:
        """Return the messages to try now, or raise StoreError."""


class Pending:
    """The agent's door to the event log. `dropped` counts the rows that found no room; `trouble` is the last refusal.

    While something waits, `trouble` is not None. When DOUBT is raised the process must end: see `EventLog.append`.
    """

    def __init__(self, log: Log, limit: int = LIMIT) -> None:
        """Stand before a log; hold at most `limit` rows."""
        self._log = log
        self._limit = limit
        self._held: list[tuple[Batch, tuple[Row, ...]]] = []
        self._messages: dict[str, OutboxRow] = {}
        self._updates: dict[str, OutboxUpdate] = {}
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
        self.flush(batch.at)
        return self._log.record(batch, self._log.number(batch))

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        """Record this, or hold it until `flush`: for observations. The rows have the numbers they will keep.

        Rows that find no room are dropped and counted: then nothing is returned, and they must not be folded. Their
        messages to people, and what became of messages, are held all the same.
        """
        try:
            return self.commit(batch)
        except StoreError as error:
            if error.kind is StoreTrouble.DOUBT:
                raise
            self.trouble = error
        return self._hold(batch)

    def flush(self, at: datetime) -> int:
        """Record what waits, in order; return how many rows were. StoreError when the disk still says no."""
        recorded = 0
        while self._held:
            recorded += len(self._log.record(*self._held[0]))
            del self._held[0]
        if self._messages or self._updates:
            messages, updates = tuple(self._messages.values()), tuple(self._updates.values())
            self._log.record(Batch(at=at, outbox=messages, outbox_updates=updates), ())
            self._messages.clear()
            self._updates.clear()
        self.trouble = None
        return recorded

    def due(self, now: datetime, limit: int = 100) -> tuple[OutboxRow, ...]:
        """Return the messages to try now, as `EventLog.due`: those that are only held too, each as it stands by now.

        A page goes out although the disk is full, and what was told is not told again for want of a record.
        """
        try:
            recorded = self._log.due(now, limit + len(self._updates))
        except StoreError as error:
            self.trouble = error
            recorded = ()
        held = [message for batch, _ in self._held for message in batch.outbox]
        every = {message.key: message for message in (*held, *self._messages.values(), *recorded)}
        messages = (self._as_it_stands(message) for message in every.values())
        due = (one for one in messages if one.state is OutboxState.PENDING and one.next_at <= now)
        return tuple(sorted(due, key=lambda one: (one.next_at, one.seq))[:limit])

    def _as_it_stands(self, message: OutboxRow) -> OutboxRow:
        update = self._updates.get(message.key)
        if update is None:
            return message
        return replace(message, state=update.state, attempts=update.attempts, next_at=update.next_at)

    def _hold(self, batch: Batch) -> tuple[Row, ...]:
        self._updates.update({update.key: update for update in batch.outbox_updates})
        batch = replace(batch, outbox_updates=())
        if batch == Batch(at=batch.at):
            return ()
        if len(self) + len(batch.rows) > self._limit:
            self.dropped += len(batch.rows)
            self._messages.update({message.key: message for message in batch.outbox})
            return ()
        rows = self._log.number(batch, self._last_given())
        self._held.append((batch, rows))
        return rows

    def _last_given(self) -> int:
        """Return the last number given, held or recorded."""
        return max((rows[-1].seq for _, rows in self._held if rows), default=self._log.last_seq)
