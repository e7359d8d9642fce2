"""Bringing a database of an earlier opsagent forward: a copy first, then every step in one transaction.

A step is SQL, known by the version that it leads to; the first one makes the tables of a new database. A released step
is never changed: databases that took it are out there. Killed at any point, a database is as it was or as it shall be.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.store.database import create, disk_words, sync_directory, transaction

if TYPE_CHECKING:
    from collections.abc import Mapping


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version that a database says it has; 0 is a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def forward(connection: sqlite3.Connection, steps: Mapping[int, str]) -> None:
    """Bring a database that is open for writing to the newest version; one that lies there before is kept beside it.

    Raises StoreError: NEWER for a database of a newer opsagent, FULL when there is no room for the copy.
    """
    version, newest = version_of(connection), max(steps)
    path = Path(connection.execute("PRAGMA database_list").fetchone()[2])
    if version > newest:
        message = f"cannot open {path}: its schema is {version}, this opsagent knows {newest}; install the newer"
        raise StoreError(StoreTrouble.NEWER, message)
    if version == newest:
        return
    if version:
        keep_copy(connection, path, path.with_name(f"{path.name}.before-v{newest}"))
    with transaction(connection):
        for number in range(version + 1, newest + 1):
            for statement in filter(str.strip, steps[number].split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={newest}")


def keep_copy(connection: sqlite3.Connection, path: Path, copy: Path) -> None:
    """Copy the database, what its -wal holds too; under its name lies only a whole copy that is on the disk."""
    beside = copy.with_name(f"{copy.name}.new")
    with disk_words(f"keep a copy of {path} before it is changed"):
        beside.unlink(missing_ok=True)
        create(beside)
        with closing(sqlite3.connect(beside)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file is all there is of it
        beside.rename(copy)
        sync_directory(copy.parent)


def need_readable(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    """Refuse a database that a reader of this version cannot understand. Raises StoreError."""
    version = version_of(connection)
    if version > newest:
        message = f"cannot read {path}: its schema is {version}, this opsagent knows {newest}; use the newer"
        raise StoreError(StoreTrouble.NEWER, message)
    if 0 < version < newest:
        message = f"cannot read {path}: its schema is {version}; opsagent brings it to {newest} when it is (re)started"
        raise StoreError(StoreTrouble.BUSY, message)
