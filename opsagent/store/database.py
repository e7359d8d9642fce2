"""SQLite as this project uses it: one read-write connection, WAL, every commit on the disk; its errors in our words."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.store import owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BUSY_SECONDS = 2.0
PRIMARY = 0xFF
"""The low byte of an extended SQLite error code is the error itself."""

TROUBLES = {
    sqlite3.SQLITE_FULL: StoreTrouble.FULL,
    sqlite3.SQLITE_IOERR: StoreTrouble.IO,
    sqlite3.SQLITE_CANTOPEN: StoreTrouble.IO,
    sqlite3.SQLITE_NOMEM: StoreTrouble.IO,
    sqlite3.SQLITE_READONLY: StoreTrouble.READONLY,
    sqlite3.SQLITE_PERM: StoreTrouble.READONLY,
    sqlite3.SQLITE_AUTH: StoreTrouble.READONLY,
    sqlite3.SQLITE_CORRUPT: StoreTrouble.CORRUPT,
    sqlite3.SQLITE_NOTADB: StoreTrouble.CORRUPT,
    sqlite3.SQLITE_BUSY: StoreTrouble.BUSY,
    sqlite3.SQLITE_LOCKED: StoreTrouble.BUSY,
    sqlite3.SQLITE_PROTOCOL: StoreTrouble.BUSY,
}


def micros(at: datetime) -> int:
    """Return a moment as whole microseconds since 1970 (UTC); a naive datetime is a TypeError."""
    return (at - EPOCH) // MICROSECOND


def moment(stored: int) -> datetime:
    """Return the moment (UTC) that `micros` stored."""
    return EPOCH + stored * MICROSECOND


@contextmanager
def our_words(what: str) -> Iterator[None]:
    """Turn what SQLite says of the disk into a `StoreError`; mistakes of the program stay what they are."""
    try:
        yield
    except sqlite3.Error as error:
        kind = trouble_of(error)
        if kind is None:
            raise
        raise StoreError(kind, f"cannot {what}: {error}") from error


def trouble_of(error: sqlite3.Error) -> StoreTrouble | None:
    """Return what kind of trouble this is, or None when it is a mistake of the program."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else TROUBLES.get(code & PRIMARY)


def lenient(text: bytes) -> str:
    """Decode what should be UTF-8 and, in a damaged file, is not: its checksum will not match."""
    return text.decode("utf-8", "replace")


def connect(path: Path, synchronous: str) -> sqlite3.Connection:
    """Open a database for writing, in WAL mode. There must be no second writer: SQLite before 3.51.3 can corrupt it.

    Transactions are explicit. `synchronous` is FULL (a commit is on the disk) or NORMAL (a power cut may lose some).
    """
    create(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    connection.text_factory = lenient
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA page_size=4096")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute(f"PRAGMA journal_size_limit={4 << 20}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def create(path: Path) -> None:
    """Make an empty file that outlives a power cut, unless it exists: its mode is what the -wal and -shm will have."""
    with suppress(FileExistsError), disk_words(f"create {path}"):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o640)
        owner.follow_directory(handle, path.parent)
        os.close(handle)
        sync_directory(path.parent)


@contextmanager
def disk_words(what: str) -> Iterator[None]:
    """Turn what the file system says into a `StoreError`; that a file is there already stays what it is."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreError(disk_trouble(error), f"cannot {what}: {error.strerror}") from error


def disk_trouble(error: OSError) -> StoreTrouble:
    """Return the trouble that an error of the file system means."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreTrouble.FULL
    return StoreTrouble.READONLY if error.errno in {errno.EPERM, errno.EACCES, errno.EROFS} else StoreTrouble.IO


def sync_directory(directory: Path) -> None:
    """Make names in a directory (created, renamed, removed) outlive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing; when this returns, it is on the disk as far as `synchronous` promises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction. When even that fails, the caller's error says more, and a reopen undoes it."""
    try:
        connection.execute("ROLLBACK")
    except sqlite3.Error:
        return


def close_keeping_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Close the only writer, and leave an (empty) -wal and -shm behind.

    SQLite deletes both when the last connection closes, and then nobody who may not write into the directory can
    read the database. A read-only connection that outlives the writer's cannot delete them.
    """
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        last = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        connection.close()
        return
    try:
        last.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
    else:
        connection.close()
    finally:
        last.close()
