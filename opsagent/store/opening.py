"""Opening the event log: look for damage first, set a damaged one aside, and carry over what can still be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.log_row import StoreTrouble
from opsagent.store import migration, salvage, schema, wal
from opsagent.store.database import create, disk_words, our_words, trouble_of
from opsagent.store.eventlog import EventLog

if TYPE_CHECKING:
    from datetime import datetime

NAME = "events.db"
MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open log and how it was found.

    `created` says that there was none. When `set_aside` names a file, the log was damaged (`damage` says how), is
    kept there, and `salvaged` of its events were carried over, `lost` numbers among them could not be read: tell
    people. The projections must then be put anew from the events.
    """

    log: EventLog
    created: bool = False
    set_aside: Path | None = None
    damage: str = ""
    salvaged: int = 0
    lost: int = 0


def open_log(path: Path, *, host: str, boot: str, now: datetime) -> Opened:
    """Open the event log for writing. The caller holds the instance lock. Raises StoreError.

    `now` (UTC) names a damaged file that is set aside.
    """
    with disk_words(f"open {path}"):
        salvage.finish(path)
        created = not path.exists()
        create(path)
        damage = damage_of(path)
    if not damage:
        return Opened(log=EventLog(path, host=host, boot=boot).open(), created=created)
    found = salvage.salvage(path, now)
    log = EventLog(path, host=host, boot=boot).open()
    return Opened(
        log=log, set_aside=found.set_aside, damage=damage, salvaged=found.salvaged, lost=found.lost, created=False
    )


def damage_of(path: Path) -> str:
    """Say what is wrong with a database, or nothing. An empty file is a new one."""
    if path.stat().st_size == 0:
        return ""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return "its first bytes are not those of a database"
    with our_words(f"open {path}"):
        return verdict_of(path)


def verdict_of(path: Path) -> str:
    """Ask SQLite whether the pages hold together; 100,000 events take it about 0.1 s.

    Nothing is changed, save where the very making of the log was cut short: its journal must be rolled back.
    """
    mode = "rw" if path.with_name(f"{path.name}-journal").exists() else "ro"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            return fault_in_tables(connection) or fault_in_wal(path) if verdict == "ok" else " ".join(verdict.split())
    except sqlite3.Error as error:
        if trouble_of(error) in {None, StoreTrouble.CORRUPT}:
            return str(error)
        raise


def fault_in_tables(connection: sqlite3.Connection) -> str:
    """Say whether the tables are ours. None at all is a log whose making was cut short: a new one."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return ""
    version = migration.version_of(connection)
    stated = connection.execute("SELECT value FROM meta WHERE key = ?", (schema.SCHEMA,)).fetchone()
    if stated != (str(version),):
        return f"its schema version is {version} in one place and {stated} in another"
    if version == schema.VERSION:  # another one has other columns
        connection.execute(f"{schema.ALL_EVENTS} LIMIT 1").fetchone()
    return ""


def fault_in_wal(path: Path) -> str:
    """Say how many commits SQLite dropped without a word because a frame before them is damaged."""
    lost = wal.lost_commits(path)
    return f"its write-ahead log is damaged before the last {lost + 1} commits" if lost else ""
