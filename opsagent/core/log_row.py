"""The rows of the event log and of its projections, as values: what the agent hands to the store, and gets back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

OPENING = -1
"""As `incident` of a new row: this row opens the incident, so its own seq is the incident's key."""


class StoreTrouble(StrEnum):
    """Why the store could not write.

    `doubt`: after an I/O error the log holds rows that nobody was told of; only a restart with a replay settles it.
    `newer`: a newer opsagent wrote this database.
    """

    FULL = "full"
    IO = "io"
    READONLY = "readonly"
    CORRUPT = "corrupt"
    BUSY = "busy"
    DOUBT = "doubt"
    NEWER = "newer"


class StoreError(Exception):
    """The store could not do it, and nothing of it is promised; `kind` says why."""

    def __init__(self, kind: StoreTrouble, message: str) -> None:
        """Keep the kind beside the message (which starts with "cannot")."""
        super().__init__(message)
        self.kind = kind


class OutboxState(StrEnum):
    """What became of a message to people."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """An event about to be appended. `at` is UTC; `data` is JSON text; `because` is the seq that caused it.

    `incident` is the seq of the event that opened the incident, `OPENING`, or None.
    """

    at: datetime
    type: str
    v: int
    data: str
    actor: str = "opsagent"
    incident: int | None = None
    because: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recorded event. `boot` is the host's boot id; `seq` only grows, and orders events when the clock does not."""

    seq: int
    at: datetime
    host: str
    boot: str
    type: str
    v: int
    incident: int | None
    actor: str
    because: int | None
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message to one notifier, to be delivered at least once.

    `key` is the idempotency key: a key that is already in the outbox is left as it is. `seq` is the event that
    caused it, `payload` JSON text, `next_at` (UTC) when to try (again). `created_at` is set by the store.
    """

    key: str
    seq: int
    notifier: str
    payload: str
    next_at: datetime
    incident: int | None = None
    state: OutboxState = OutboxState.PENDING
    attempts: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxUpdate:
    """The new state of one message after a try."""

    key: str
    state: OutboxState
    attempts: int
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """An incident as people list it. `seq` is its opening event, `json` the text that `incidents --json` shows."""

    seq: int
    label: str
    key: str
    check: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything that one turn records, in one transaction: all of it or nothing.

    `at` is when it is recorded (UTC). `meta` are key and value (a journal cursor moves with the events read up to
    it). `spooled` are the ids of spool files that became these events, so that no file becomes an event twice.
    """

    at: datetime
    rows: tuple[NewRow, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    outbox_updates: tuple[OutboxUpdate, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    spooled: tuple[str, ...] = ()
