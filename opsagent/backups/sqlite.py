"""A database of SQLite: copied whole while it is written to, checked, kept under a name that says when."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from opsagent.backups.place import BackupError, need_trusted, put, roomy, synced
from opsagent.backups.work import Brought, Kept, Made, Work, sha256
from opsagent.core.backup.job import Sqlite
from opsagent.core.backup.judging import shown
from opsagent.core.backup.keeping import kept
from opsagent.core.text import visible
from opsagent.host.open_files import holders

STEP = 2560
"""Pages between two looks at the clock: 10 MiB."""
_STAMP = "%Y%m%dT%H%M%SZ"
_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy that is kept, and what was known of it when it was made."""

    path: Path
    at: datetime
    sha256: str
    rows: Mapping[str, int]

    @property
    def snapshot(self) -> str:
        """Its name for a restore."""
        return self.at.strftime(_STAMP)


def make(work: Work) -> Made:
    """Copy, check, hash, name; then let go what need not be kept. BackupError, and then nothing new is kept."""
    what = _what(work)
    source, folder = Path(what.database), Path(what.to)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        need_trusted(folder)
        roomy(folder, source.stat().st_size)
    except OSError as error:
        raise BackupError(f"cannot back up {source} to {folder}: {error.filename}: {error.strerror}") from error
    draft = folder / f".{work.job.name}.new"
    try:
        _copied(source, draft, work)
        return _named(source, draft, folder, work)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"cannot back up {source}: {visible(str(error), 200)}") from error
    finally:
        _cleared(draft)


def _what(work: Work) -> Sqlite:
    if not isinstance(work.job.what, Sqlite):
        raise TypeError(work.job.kind)
    return work.job.what


def _cleared(draft: Path) -> None:
    """Leave nothing of a copy, not even what belongs to it of one that was killed."""
    for suffix in ("", *_BESIDE):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _copied(source: Path, draft: Path, work: Work) -> None:
    """One read transaction for all of it: in WAL mode nobody waits, and no write makes us begin again."""
    _cleared(draft)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))

    def step(status: int, remaining: int, total: int) -> None:
        del status
        work.tell(f"{100 * (total - remaining) // max(1, total)} % copied")
        _ = work.left

    reader = sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True, timeout=30, isolation_level=None)
    with contextlib.closing(reader) as live, contextlib.closing(sqlite3.connect(draft)) as copy:
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        live.backup(copy, pages=STEP, progress=step)


def _named(source: Path, draft: Path, folder: Path, work: Work) -> Made:
    """What is not whole never gets a name."""
    work.tell("looking whether the copy is whole")
    rows = examined(draft, work)
    digest, size = sha256(draft, work), draft.stat().st_size
    with draft.open("rb") as whole:
        _given_to(whole.fileno(), source.stat())
    stamp = work.now.astimezone(UTC).strftime(_STAMP)
    path = folder / f"{work.job.name}-{stamp}.sqlite"
    put(_about(path), json.dumps({"v": 1, "sha256": digest, "rows": rows}).encode(), 0o600)
    draft.rename(path)
    synced(folder)
    _let_go(work)
    return Made(snapshot=stamp, size=size, files=1, added=size, sha256=digest)


def _given_to(handle: int, like: os.stat_result) -> None:
    """Give an open file the owner and mode of another, and have all of it on the disk."""
    os.fchown(handle, like.st_uid, like.st_gid)
    os.fchmod(handle, like.st_mode & 0o777)
    os.fsync(handle)


def examined(path: Path, work: Work) -> dict[str, int]:
    """Return the rows of each table of a database that nobody writes to. BackupError when it is not whole."""
    address = f"file:{quote(str(path))}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        database.set_progress_handler(lambda: time.monotonic() > work.until, 100_000)
        try:
            said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
            if said != ["ok"]:
                raise BackupError(f"integrity_check says: {visible('; '.join(said), 200)}")
            return {name: _count(database, name) for name in _tables(database)}
        except sqlite3.Error as error:
            _ = work.left
            raise BackupError(f"the database is not whole: {visible(str(error), 200)}") from error


def _tables(database: sqlite3.Connection) -> list[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return sorted(str(row[0]) for row in found)


def _count(database: sqlite3.Connection, table: str) -> int:
    name = table.replace('"', '""')
    return int(database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - quoted, of its own schema


def _about(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _copies(work: Work) -> list[Copy]:
    """Return the copies with what is known of them, oldest first. Anything else in the directory is not ours."""
    pattern = re.compile(rf"{re.escape(work.job.name)}-([0-9]{{8}}T[0-9]{{6}}Z)\.sqlite", re.ASCII)
    folder = Path(_what(work).to)
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := pattern.fullmatch(path.name):
            at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
            found.append(_read_about(path, at))
    return found


def _read_about(path: Path, at: datetime) -> Copy:
    try:
        known = json.loads(_about(path).read_text(encoding="utf-8"))
        return Copy(path=path, at=at, sha256=str(known["sha256"]), rows=dict(known["rows"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Copy(path=path, at=at, sha256="", rows={})


def _let_go(work: Work) -> None:
    copies = _copies(work)
    staying = kept((copy.at for copy in copies), work.job.keep, work.job.zone)
    for copy in copies:
        if copy.at not in staying:
            copy.path.unlink()
            _about(copy.path).unlink(missing_ok=True)


def snapshots(work: Work) -> tuple[Kept, ...]:
    """Return what can be restored, oldest first."""
    return tuple(Kept(snapshot=one.snapshot, at=one.at, size=one.path.stat().st_size) for one in _copies(work))


def needed(work: Work, chosen: Kept) -> int:
    """Return how many bytes a restore takes."""
    del work
    return chosen.size


def bring_back(work: Work, chosen: Kept, to: Path, *, overwrite: bool) -> Brought:
    """Put a copy under the database's own name into `to`, and prove there that it is the one that was kept."""
    copy = next(one for one in _copies(work) if one.snapshot == chosen.snapshot)
    goal = to / Path(_what(work).database).name
    if goal.exists():
        _may_replace(goal, overwrite=overwrite)
    draft = goal.with_name(f".{goal.name}.new")
    try:
        work.tell(f"bringing back {shown(copy.path.stat().st_size)}")
        about = _copied_beside(copy.path, draft)
        proof = _proven(copy, draft, work)
        for suffix in _BESIDE:  # the old one's log would be played into the new one
            goal.with_name(goal.name + suffix).unlink(missing_ok=True)
        draft.replace(goal)
        synced(to)
    except OSError as error:
        raise BackupError(f"cannot bring back {goal}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return Brought(snapshot=copy.snapshot, size=about.st_size, files=1, proof=proof)


def _copied_beside(copy: Path, draft: Path) -> os.stat_result:
    """Write into a new file: the directory may be its service's, and a link that lies there leads elsewhere."""
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as goal, copy.open("rb") as kept:
        shutil.copyfileobj(kept, goal)
        goal.flush()
        about = os.fstat(kept.fileno())
        _given_to(goal.fileno(), about)
    return about


def _may_replace(goal: Path, *, overwrite: bool) -> None:
    if not overwrite:
        raise BackupError(f"cannot restore over {goal}, which is there: --overwrite replaces it")
    if busy := holders(goal):
        raise BackupError(f"cannot replace {goal} while it is open, end first: {', '.join(busy)}")


def _proven(copy: Copy, brought: Path, work: Work) -> str:
    if copy.sha256 and sha256(brought, work) != copy.sha256:
        raise BackupError(f"the backup {copy.snapshot} is not what it was: its hash has changed")
    rows = examined(brought, work)
    if copy.sha256 and rows != copy.rows:
        raise BackupError(f"the backup {copy.snapshot} has lost rows")
    hashed = "hash, " if copy.sha256 else ""
    return f"{hashed}integrity_check and {sum(rows.values())} rows in {len(rows)} tables"
