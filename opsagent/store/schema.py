"""The tables of the event log, and each row's way in and out of them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from opsagent.core.log_row import OPENING, OutboxRow, OutboxState, Row
from opsagent.store import migration
from opsagent.store.database import micros, moment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from opsagent.core.log_row import Batch, IncidentRow, NewRow

PAGE = 4096

FLOOR = "seq_floor"
"""Meta key: no number up to this one is given again, for a damaged log may have given it."""
GAPS = "seq_gaps"
"""Meta key: how many numbers were never given because of floors."""
SCHEMA = "schema"
"""Meta key: the version again, so that a flipped bit in the header is not taken for a newer program."""

STEPS = {
    1: """
CREATE TABLE events(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL, type TEXT NOT NULL,
  v INTEGER NOT NULL, incident INTEGER, actor TEXT NOT NULL, because INTEGER, data TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX events_incident ON events(incident) WHERE incident IS NOT NULL;
CREATE INDEX events_type ON events(type, seq);
CREATE INDEX events_at ON events(at);
CREATE TABLE outbox(
  key TEXT PRIMARY KEY, seq INTEGER NOT NULL, notifier TEXT NOT NULL, incident INTEGER, payload TEXT NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX outbox_due ON outbox(next_at) WHERE state = 'pending';
CREATE INDEX outbox_incident ON outbox(incident) WHERE incident IS NOT NULL;
CREATE TABLE incidents(
  seq INTEGER PRIMARY KEY, label TEXT NOT NULL, key TEXT NOT NULL, "check" TEXT NOT NULL, state TEXT NOT NULL,
  opened_at INTEGER NOT NULL, closed_at INTEGER, json TEXT NOT NULL);
CREATE INDEX incidents_opened ON incidents(opened_at);
CREATE INDEX incidents_open ON incidents(opened_at) WHERE closed_at IS NULL;
CREATE TABLE labels(label TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE spooled(uuid TEXT PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta VALUES('schema', '1');
""",
}
"""What leads to each version of the schema (store/migration.py); a further one also sets the version in meta."""
VERSION = max(STEPS)

Cell = int | str | None

ADD_EVENT = "INSERT INTO events VALUES(?,?,?,?,?,?,?,?,?,?,?)"
ADD_OUTBOX = "INSERT INTO outbox VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(key) DO NOTHING"
MOVE_OUTBOX = "UPDATE outbox SET state=?, attempts=?, next_at=? WHERE key=?"
PUT_INCIDENT = """INSERT INTO incidents VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(seq) DO UPDATE SET
  label=excluded.label, key=excluded.key, "check"=excluded."check", state=excluded.state,
  opened_at=excluded.opened_at, closed_at=excluded.closed_at, json=excluded.json"""
PUT_LABEL = "INSERT INTO labels VALUES(?,?) ON CONFLICT(label) DO NOTHING"
LISTS_LOST = "lists_lost"
"""Key of meta: not empty when incidents were taken out of their list; the next start puts them anew."""
PUT_META = "INSERT INTO meta VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value"
PUT_SPOOLED = "INSERT INTO spooled VALUES(?,?) ON CONFLICT(uuid) DO NOTHING"

ALL_EVENTS = "SELECT seq, at, host, boot, type, v, incident, actor, because, data, crc FROM events"
ALL_OUTBOX = "SELECT key, seq, notifier, incident, payload, state, attempts, next_at, created_at FROM outbox"


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in a new database, bring an earlier one forward, refuse a newer one. Raises StoreError."""
    migration.forward(connection, STEPS)


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the last number that was, or may have been, given."""
    query = "SELECT max(coalesce(max(seq), 0), coalesce((SELECT value FROM meta WHERE key = ?), 0) + 0) FROM events"
    return int(connection.execute(query, (FLOOR,)).fetchone()[0])


def write(connection: sqlite3.Connection, batch: Batch, rows: Iterable[Row]) -> None:
    """Write a batch whose rows have their numbers. The caller holds the transaction."""
    now = micros(batch.at)
    connection.executemany(ADD_EVENT, (event_cells(row) for row in rows))
    connection.executemany(ADD_OUTBOX, (outbox_cells(row, now) for row in batch.outbox))
    moves = ((move.state, move.attempts, micros(move.next_at), move.key) for move in batch.outbox_updates)
    connection.executemany(MOVE_OUTBOX, moves)
    connection.executemany(PUT_INCIDENT, (incident_cells(row) for row in batch.incidents))
    connection.executemany(PUT_LABEL, ((row.label, row.seq) for row in batch.incidents))
    connection.executemany(PUT_META, batch.meta)
    connection.executemany(PUT_SPOOLED, ((uuid, now) for uuid in batch.spooled))


def numbered(batch: Batch, first: int, host: str, boot: str) -> tuple[Row, ...]:
    """Give the rows of a batch their numbers, from `first` on without a gap."""
    return tuple(number(row, first + place, host, boot) for place, row in enumerate(batch.rows))


def number(new: NewRow, seq: int, host: str, boot: str) -> Row:
    """Make a row of a new one; the row that opens an incident is the incident's key."""
    incident = seq if new.incident == OPENING else new.incident
    at = moment(micros(new.at))
    return Row(
        seq=seq,
        at=at,
        host=host,
        boot=boot,
        type=new.type,
        v=new.v,
        incident=incident,
        actor=new.actor,
        because=new.because,
        data=new.data,
    )


def event_cells(row: Row) -> tuple[Cell, ...]:
    """Return what stands in the table, the checksum last."""
    cells: tuple[Cell, ...] = (
        row.seq,
        micros(row.at),
        row.host,
        row.boot,
        row.type,
        row.v,
        row.incident,
        row.actor,
        row.because,
        row.data,
    )
    return (*cells, checksum(cells))


def checksum(cells: Iterable[Cell]) -> int:
    """Return the CRC-32 of a row: SQLite itself does not notice a flipped bit inside a text."""
    return zlib.crc32("\x1f".join(map(str, cells)).encode("utf-8", "surrogatepass"))


def is_sound(cells: tuple[Cell, ...]) -> bool:
    """Tell whether an event is as it was written."""
    return checksum(cells[:-1]) == cells[-1]


def event_of(cells: tuple[Any, ...]) -> Row:
    """Return the row that these cells are."""
    seq, at, host, boot, kind, v, incident, actor, because, data, _ = cells
    return Row(
        seq=seq,
        at=moment(at),
        host=host,
        boot=boot,
        type=kind,
        v=v,
        incident=incident,
        actor=actor,
        because=because,
        data=data,
    )


def outbox_cells(row: OutboxRow, now: int) -> tuple[Cell, ...]:
    """Return what stands in the table; `now` is when the message was made."""
    return (
        row.key,
        row.seq,
        row.notifier,
        row.incident,
        row.payload,
        row.state,
        row.attempts,
        micros(row.next_at),
        now,
    )


def outbox_of(cells: tuple[Any, ...]) -> OutboxRow:
    """Return the message that these cells are."""
    key, seq, notifier, incident, payload, state, attempts, next_at, created_at = cells
    return OutboxRow(
        key=key,
        seq=seq,
        notifier=notifier,
        incident=incident,
        payload=payload,
        state=OutboxState(state),
        attempts=attempts,
        next_at=moment(next_at),
        created_at=moment(created_at),
    )


def incident_cells(row: IncidentRow) -> tuple[Cell, ...]:
    """Return what stands in the table."""
    closed = None if row.closed_at is None else micros(row.closed_at)
    return (row.seq, row.label, row.key, row.check, row.state, micros(row.opened_at), closed, row.json)
