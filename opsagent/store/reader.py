"""Reading the event log while the daemon writes it: for the command line, and for whoever else may look.

A reader never writes, so it can never harm: `mode=ro`, and no pragma that would change a file.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Self

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.store import migration, schema
from opsagent.store.database import BUSY_SECONDS, micros, our_words

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from opsagent.core.log_row import OutboxRow, OutboxState, Row

JOURNAL_MODES = slice(18, 20)
"""Two bytes of a database's header: 2 says WAL, 1 says no WAL."""


class Reader:
    """A read-only look at the event log. Use it in a `with`, or call `close`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Keep an open connection; `open` makes one."""
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the event log for reading. StoreError says what is wrong; FileNotFoundError that there is none."""
        with our_words(f"read {path}"):
            return cls(open_to_read(path, schema.VERSION))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def incidents(
        self, *, since: datetime | None = None, open_only: bool = False, check: str | None = None, limit: int = 1000
    ) -> tuple[str, ...]:
        """Return incidents as JSON texts, oldest first; when there are more than `limit`, the newest of them.

        `since` (UTC) leaves out those that were opened earlier and are closed; `check` is a check or an open key,
        of a unit also without `.service`.
        """
        earliest = -(1 << 62) if since is None else micros(since)
        query = """SELECT json FROM incidents WHERE (opened_at >= :since OR closed_at IS NULL)
            AND (:all OR closed_at IS NULL)
            AND (:check IS NULL OR "check" = :check OR key IN (:check, :check || '.service'))
            ORDER BY opened_at DESC, seq DESC LIMIT :limit"""
        values = {"since": earliest, "all": not open_only, "check": check, "limit": limit}
        with our_words("read the incidents"):
            found = self._connection.execute(query, values).fetchall()
        return tuple(str(row[0]) for row in reversed(found))

    def incident(self, label: str) -> str | None:
        """Return one incident as JSON text, by its label, or None."""
        with our_words("read the incidents"):
            query = "SELECT json FROM incidents WHERE label = ? ORDER BY seq DESC LIMIT 1"
            found = self._connection.execute(query, (label,)).fetchone()
        return None if found is None else str(found[0])

    def opened_by(self, label: str) -> int | None:
        """Return the number of the event that opened the incident with this label, or None."""
        with our_words("read the incidents"):
            found = self._connection.execute("SELECT seq FROM labels WHERE label = ?", (label,)).fetchone()
        return None if found is None else int(found[0])

    def outbox(
        self, *, incident: int | None = None, state: OutboxState | None = None, limit: int = 1000
    ) -> tuple[OutboxRow, ...]:
        """Return messages to people, oldest first: of one incident, in one state, or all."""
        query = f"""{schema.ALL_OUTBOX} WHERE (:incident IS NULL OR incident = :incident)
            AND (:state IS NULL OR state = :state) ORDER BY created_at, seq LIMIT :limit"""
        with our_words("read the outbox"):
            values = {"incident": incident, "state": state, "limit": limit}
            return tuple(schema.outbox_of(cells) for cells in self._connection.execute(query, values))

    def events(self, *, after: int = 0, incident: int | None = None, limit: int = 10_000) -> tuple[Row, ...]:
        """Return events after a number, in order, of one incident or all; rows that are damaged are left out."""
        chosen = "" if incident is None else "AND incident = :incident"
        query = f"{schema.ALL_EVENTS} WHERE seq > :after {chosen} ORDER BY seq LIMIT :limit"
        with our_words("read the events"):
            found = self._connection.execute(query, {"after": after, "incident": incident, "limit": limit})
            return tuple(schema.event_of(cells) for cells in found if schema.is_sound(cells))

    def newest(self, kind: str, *, since: datetime, limit: int = 1000) -> tuple[Row, ...]:
        """Return the newest events of one type that were recorded since then (UTC), in order."""
        query = f"{schema.ALL_EVENTS} WHERE type = :type AND at >= :since ORDER BY seq DESC LIMIT :limit"
        with our_words("read the events"):
            values = {"type": kind, "since": micros(since), "limit": limit}
            found = self._connection.execute(query, values).fetchall()
        return tuple(schema.event_of(cells) for cells in reversed(found) if schema.is_sound(cells))

    def meta(self, key: str) -> str | None:
        """Return what is noted under a key, or None."""
        with our_words("read what is noted"):
            found = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def last_seq(self) -> int:
        """Return the number of the newest event, 0 when there is none."""
        with our_words("read the events"):
            return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def open_to_read(path: Path, version: int) -> sqlite3.Connection:
    """Open a database that the daemon writes, read-only. FileNotFoundError when there is nothing in it yet.

    StoreError when its schema is not of this version.
    """
    if not path.exists() or path.stat().st_size == 0:
        raise FileNotFoundError(f"cannot read {path}: opsagent has not written it yet")
    connection = connect_to_read(path)
    try:
        need_tables(connection, path)
        migration.need_readable(connection, path, version)
    except (sqlite3.Error, FileNotFoundError, StoreError):
        connection.close()
        raise
    return connection


def need_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database without tables: it is only just being made."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise FileNotFoundError(f"cannot read {path}: opsagent has not written it yet")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Connect, and leave no file behind.

    Even a reader makes a -wal and a -shm that are missing, and they would be the reader's own: the daemon could not
    write them. While the daemon runs both are there; without them a copy in memory is all there is to read.
    """
    if not beside(path, "-wal").exists():
        return copy_in_memory(path)
    if not beside(path, "-shm").exists() and os.geteuid() not in {0, path.stat().st_uid}:
        message = f"cannot read {path} without leaving files of yours there: start opsagent, or read as its user"
        raise StoreError(StoreTrouble.READONLY, message)
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)


def copy_in_memory(path: Path) -> sqlite3.Connection:
    """Read the whole database as it lies there without a -wal: only while no daemon has it open is that all of it."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[JOURNAL_MODES] = b"\1\1"
    if beside(path, "-wal").exists() or path.stat().st_mtime_ns != before.st_mtime_ns:
        raise StoreError(StoreTrouble.BUSY, f"cannot read {path}: opsagent is just starting; try again")
    connection = sqlite3.connect(":memory:")
    connection.deserialize(bytes(content))
    return connection


def beside(path: Path, suffix: str) -> Path:
    """Return where a file that SQLite keeps beside a database lies."""
    return path.with_name(path.name + suffix)
