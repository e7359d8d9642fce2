"""Taking a secret out of the event log: the one way in which a recorded event is ever changed."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.store import lock, opening, salvage, schema, snapshot
from opsagent.store.database import connect, disk_words, our_words, sync_directory, transaction

if TYPE_CHECKING:
    import sqlite3

    from opsagent.core.log_row import NewRow

COPIES = ("*.damaged-*", "*.salvag*", "*.reading*", "*.before-*")
"""Files beside the log that may hold the same secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What stands in the event's place now, and which other files may still hold what was in it."""

    sha256: str
    copies: tuple[Path, ...]


def purge(directory: Path, seq: int, because: str, note: NewRow) -> Purged:
    """Replace the payload of an event by its hash, and leave no trace of it in the file. `note` is recorded with it.

    The daemon must be stopped: LockedError when it runs. LookupError when there is no such event. StoreError when
    the disk says no. Of messages and of the incident that were made of the event the texts go too: put the
    incident anew from the events that are left. The Markdown is not touched: rebuild it, and look at `copies`.
    """
    held = lock.take(directory)
    try:
        path = directory / opening.NAME
        if not path.exists():
            raise LookupError(f"cannot purge event {seq}: there is no event log in {directory}")
        with disk_words(f"purge event {seq} of {path}"):
            snapshot.forget(directory)
        with our_words(f"purge event {seq} of {path}"), closing(connect(path, "FULL")) as connection:
            digest = _replace(connection, seq, because, note)
        with our_words(f"rewrite {path}"), disk_words(f"rewrite {path}"):
            _rewrite(path)
    finally:
        held.release()
    copies = sorted(file for pattern in COPIES for file in directory.glob(opening.NAME + pattern.removeprefix("*")))
    return Purged(sha256=digest, copies=tuple(copies))


def _rewrite(path: Path) -> None:
    """Copy the log, row by row, into a new file that takes its place: no free page holds what was there.

    Not by VACUUM, which moves the tables to other pages than those where a salvage looks for them.
    """
    new = path.with_name(f"{path.name}.purging")
    salvage.forget(new)
    with closing(connect(new, "FULL")) as connection:
        schema.prepare(connection)
        connection.execute("ATTACH ? AS old", (str(path),))
        with transaction(connection):
            for table in salvage.TABLES:
                connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM old.{table}")  # noqa: S608 - ours
        connection.execute("DETACH old")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new.rename(path)
    sync_directory(path.parent)


def _replace(connection: sqlite3.Connection, seq: int, because: str, note: NewRow) -> str:
    """Replace the payload and what was made of it; return the hash of what was there."""
    cells = connection.execute(f"{schema.ALL_EVENTS} WHERE seq = ?", (seq,)).fetchone()
    if cells is None:
        raise LookupError(f"cannot purge event {seq}: there is no such event")
    row = schema.event_of(cells)
    digest = hashlib.sha256(row.data.encode()).hexdigest()
    stated = {"sha256": digest, "because": because, "at": note.at.isoformat()}
    purged = schema.event_cells(replace(row, data=json.dumps({"purged": stated})))
    noted = schema.number(note, schema.last_seq(connection) + 1, row.host, row.boot)
    with transaction(connection):
        connection.execute("DELETE FROM events WHERE seq = ?", (seq,))
        connection.executemany(schema.ADD_EVENT, (purged, schema.event_cells(noted)))
        chosen = {"seq": seq, "incident": row.incident}
        connection.execute("UPDATE outbox SET payload = '{}' WHERE seq = :seq OR incident = :incident", chosen)
        connection.execute("DELETE FROM incidents WHERE seq IN (:seq, :incident)", chosen)
        connection.execute(schema.PUT_META, (schema.LISTS_LOST, "purge"))
    return digest
