"""A damaged event log: keep it under another name, and carry what can still be read over into a new one.

Everything is read from a copy. The new log is complete before any name changes, and every step after that can be
done twice, so that a crash at any point leaves either the damaged log or the finished new one under the old name.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.store import schema, wal
from opsagent.store.database import connect, disk_words, moment, our_words, sync_directory, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = ("meta", "events", "outbox", "incidents", "labels", "spooled")
SMALLEST_ROW = 40
"""No event takes fewer bytes: so a file of that size never held more numbers than size / 40."""
ROUND = 1000
HEADER_COUNTERS = (slice(24, 28), slice(92, 96))
"""Change counter and version-valid-for: when they differ, SQLite takes the page count from the file's size."""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """Where the damaged log is kept, how many events were carried over, how many at most were lost."""

    set_aside: Path
    salvaged: int
    lost: int


def salvage(path: Path, now: datetime) -> Salvaged:
    """Replace a damaged log by a new one with what could be read. StoreError when the disk does not let us."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    building = path.with_name(f"{path.name}.salvaging")
    with disk_words(f"set the damaged {path} aside"), our_words(f"salvage {path}"):
        forget(building)
        tables, highest = read_damaged(path)
        highest = max([highest, *(cells[0] for cells in tables["events"])])
        lost = _build(building, tables, highest, _numbers_ever_given(path))
        building.rename(path.with_name(f"{path.name}.salvaged-{stamp}"))
        sync_directory(path.parent)
    finish(path)
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    return Salvaged(set_aside=aside, salvaged=len(tables["events"]), lost=lost)


def finish(path: Path) -> None:
    """Put a new log that is complete into its place; nothing to do when there is none."""
    for complete in sorted(path.parent.glob(f"{path.name}.salvaged-*")):
        stamp = complete.name.rpartition("-")[2]
        with disk_words(f"set the damaged {path} aside"):
            _swap(path, complete, path.with_name(f"{path.name}.damaged-{stamp}"))


def _swap(path: Path, complete: Path, aside: Path) -> None:
    """Keep the damaged files under their new name, then let the new log take the old name in one rename.

    The old -wal must be gone before that: SQLite would play it into the new log.
    """
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError, FileExistsError):
            os.link(_beside(path, suffix), _beside(aside, suffix))
    sync_directory(path.parent)
    for suffix in ("-wal", "-shm"):
        _beside(path, suffix).unlink(missing_ok=True)
    complete.rename(path)
    sync_directory(path.parent)


def read_damaged(path: Path) -> tuple[dict[str, Rows], int]:
    """Return, per table, every row that can still be read and is as it was written; and the highest number known."""
    scratch = path.with_name(f"{path.name}.reading")
    try:
        _copy(path, scratch)
        if not _has_our_tables(scratch):
            _mend_first_page(scratch)
        return {table: _readable(scratch, table) for table in TABLES}, _highest_in(scratch)
    finally:
        forget(scratch)


def _copy(path: Path, scratch: Path) -> None:
    """Copy the database with every commit of its write-ahead log, also those behind a damaged frame."""
    forget(scratch)
    shutil.copyfile(path, scratch)
    wal.apply(wal.beside(path, "-wal"), scratch)


def _has_our_tables(scratch: Path) -> bool:
    """Tell whether the first page leads to the tables as we make them."""
    try:
        with closing(sqlite3.connect(scratch, isolation_level=None)) as connection:
            return _layout(connection) == _layout_of_new()
    except sqlite3.Error:
        return False


def _layout(connection: sqlite3.Connection) -> Rows:
    return connection.execute("SELECT type, name, rootpage, sql FROM sqlite_master ORDER BY name").fetchall()


def _new_in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA page_size={schema.PAGE}")
    schema.prepare(connection)
    return connection


def _layout_of_new() -> Rows:
    with closing(_new_in_memory()) as connection:
        return _layout(connection)


def _mend_first_page(scratch: Path) -> None:
    """Put the first page of a new log there: the tables of every log begin on the same pages.

    A file cut short is filled up with empty pages, for SQLite opens none whose tables begin behind its end.
    """
    with closing(_new_in_memory()) as connection:
        new = connection.serialize()
    page = bytearray(new[: schema.PAGE])
    for place, counter in zip(HEADER_COUNTERS, (1, 2), strict=True):
        page[place] = counter.to_bytes(4, "big")
    with scratch.open("r+b") as file:
        file.write(page)
        file.truncate(max(len(new), scratch.stat().st_size // schema.PAGE * schema.PAGE))


def _readable(scratch: Path, table: str) -> Rows:
    """Read one table, jumping over what is damaged."""
    try:
        with closing(sqlite3.connect(scratch, isolation_level=None)) as connection:
            highest = _highest(connection) or scratch.stat().st_size // SMALLEST_ROW + ROUND
            return [cells for cells in _span(connection, table, 1, highest) if _is_usable(table, cells)]
    except sqlite3.Error:
        return []


def _highest_in(scratch: Path) -> int:
    try:
        with closing(sqlite3.connect(scratch, isolation_level=None)) as connection:
            return _highest(connection)
    except sqlite3.Error:
        return 0


def _highest(connection: sqlite3.Connection) -> int:
    """Return the highest number in the log, from the first place that can still be read, or 0."""
    for query in (
        "SELECT coalesce(max(seq), 0) FROM events",
        "SELECT coalesce(max(seq), 0) FROM events INDEXED BY events_type",
        "SELECT coalesce(max(seq), 0) FROM events INDEXED BY events_at",
    ):
        with suppress(sqlite3.DatabaseError):
            return int(connection.execute(query).fetchone()[0])
    return 0


def _span(connection: sqlite3.Connection, table: str, first: int, last: int) -> Rows:
    """Read the rows of a span; where that fails, halve it until only what is damaged is left out."""
    query = f"SELECT * FROM {table} WHERE rowid BETWEEN ? AND ?"  # noqa: S608 - the name is one of ours
    with suppress(sqlite3.DatabaseError):
        return connection.execute(query, (first, last)).fetchall()
    if first == last:
        return []
    middle = (first + last) // 2
    return _span(connection, table, first, middle) + _span(connection, table, middle + 1, last)


def _is_usable(table: str, cells: tuple[Any, ...]) -> bool:
    """Tell whether a row can be taken over: an event must be as it was written, any other must make sense."""
    try:
        return USABLE[table](cells)
    except (TypeError, ValueError, OverflowError):
        return False


def _is_message(cells: tuple[Any, ...]) -> bool:
    json.loads(schema.outbox_of(cells).payload)
    return True


def _is_incident(cells: tuple[Any, ...]) -> bool:
    json.loads(cells[-1])
    return isinstance(moment(cells[5]), datetime) and all(isinstance(cell, str) for cell in cells[1:5])


def _is_noted(cells: tuple[Any, ...]) -> bool:
    return isinstance(cells[0], str) and isinstance(cells[1], int | str)


USABLE: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "meta": _is_noted,
    "events": schema.is_sound,
    "outbox": _is_message,
    "incidents": _is_incident,
    "labels": _is_noted,
    "spooled": _is_noted,
}


def _build(building: Path, tables: dict[str, Rows], highest: int, bound: int) -> int:
    """Write the new log; return how many numbers were lost. No number that may have been given is given again."""
    noted = {key: value for key, value in tables["meta"] if str(value).isdecimal()}
    gaps = int(noted.get(schema.GAPS, 0))
    floor = -(-(max(highest, int(noted.get(schema.FLOOR, 0))) + bound) // ROUND) * ROUND
    with closing(connect(building, "FULL")) as connection:
        schema.prepare(connection)
        with transaction(connection):
            for table in TABLES:
                _fill(connection, table, tables[table])
            connection.executemany(
                schema.PUT_META, [(schema.FLOOR, str(floor)), (schema.GAPS, str(gaps + floor - highest))]
            )
    return max(0, highest - gaps - len(tables["events"]))


def _fill(connection: sqlite3.Connection, table: str, rows: Rows) -> None:
    if rows:
        places = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES({places})", rows)


def _numbers_ever_given(path: Path) -> int:
    """Return a bound on how many numbers this log, and those set aside before it, can have held."""
    files = [path, _beside(path, "-wal"), *path.parent.glob(f"{path.name}.damaged-*")]
    return sum(file.stat().st_size for file in files if file.exists()) // SMALLEST_ROW


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def forget(path: Path) -> None:
    """Remove what an earlier try left."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        _beside(path, suffix).unlink(missing_ok=True)
