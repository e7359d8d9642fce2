"""One run, one drill, one restore: each is recorded whatever becomes of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opsagent.backups import paths, sqlite
from opsagent.backups.place import BackupError, Place, roomy
from opsagent.backups.work import Brought, Kept, Made, Work
from opsagent.core.backup.record import Drill, Run
from opsagent.core.text import visible
from opsagent.host import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from opsagent.core.backup.job import Job

_Done = TypeVar("_Done", Run, Drill)
KINDS: dict[str, ModuleType] = {"paths": paths, "sqlite": sqlite}
MORE = 1.05
"""What a restore takes is known almost: directories and whole blocks come on top."""


def work_of(job: Job, records: Path, now: datetime, tell: Callable[[str], None]) -> Work:
    """Return a piece of work that begins now and ends with the job's timeout."""
    scratch = Path(job.scratch) if job.scratch else None
    place = Place(directory=records / job.name, scratch=scratch)
    return Work(job=job, place=place, now=now, until=time.monotonic() + job.timeout.total_seconds(), tell=tell)


def run(work: Work) -> Run:
    """Make a backup and record it; a failure is in what is returned. BackupError only when another one is at it."""
    return _recorded(work, Run, KINDS[work.job.kind].make)


def drill(work: Work) -> Drill:
    """Rehearse a restore of the latest backup and record it; a failure is in what is returned. BackupError as `run`."""
    return _recorded(work, Drill, _rehearsed)


def _recorded(work: Work, kind: type[_Done], do: Callable[[Work], Made | Brought]) -> _Done:
    began = time.monotonic()
    with work.place.locked(), _begun(work, kind.__name__.lower()):
        try:
            done = kind(at=work.now, seconds=0, **asdict(do(work)))
        except (BackupError, OSError) as error:
            done = kind(at=work.now, seconds=0, error=_said(error))
        done = replace(done, seconds=round(time.monotonic() - began, 1))
        work.place.keep(work.place.recorded().with_one(done))
    return done


@contextlib.contextmanager
def _begun(work: Work, verb: str) -> Iterator[None]:
    """Leave word that it has begun: whoever dies or breaks in between leaves it there, and that is recorded."""
    _settled(work, "the host went down, or it was killed")
    mark = work.place.private / "begun"
    mark.write_text(f"{verb} {work.now.isoformat()}", encoding="utf-8")
    yield
    mark.unlink(missing_ok=True)


def settle(work: Work, why: str) -> Run | Drill | None:
    """Record a run or drill that ended without a word, `why` if that is known; None where there is none.

    For systemd after its end. One that another program is at has not ended.
    """
    try:
        with work.place.locked():
            return _settled(work, why)
    except BackupError:
        return None


def _settled(work: Work, why: str) -> Run | Drill | None:
    mark = work.place.private / "begun"
    try:
        verb, _, stamp = mark.read_text(encoding="utf-8").partition(" ")
        at = datetime.fromisoformat(stamp)
    except (OSError, ValueError):
        return None
    kind = Run if verb == "run" else Drill
    seconds = max(0.0, (work.now - at).total_seconds())
    done = kind(at=at, seconds=seconds, error=f"it ended without a word: {why}")
    work.place.keep(work.place.recorded().with_one(done))
    mark.unlink(missing_ok=True)
    return done


def _said(error: Exception) -> str:
    return visible(str(error), 400) or type(error).__name__


def _rehearsed(work: Work) -> Brought:
    """Bring the latest back into a scratch directory and judge it there."""
    kind = KINDS[work.job.kind]
    read = kind.check(work) if kind is paths else ""
    chosen = _chosen(work, "")
    with work.place.scratched(int(kind.needed(work, chosen) * MORE)) as scratch:
        brought: Brought = kind.bring_back(work, chosen, scratch, overwrite=False)
        judged = _judged(work, scratch)
    return replace(brought, proof=", ".join(filter(None, (brought.proof, read, judged))))


def _chosen(work: Work, snapshot: str) -> Kept:
    """Return the backup of that name, or the latest for "". BackupError names those there are."""
    there = kept(work)
    found = [one for one in there if snapshot in ("", one.snapshot)]
    if not found:
        known = ", ".join(one.snapshot for one in there[-5:]) or "none"
        raise BackupError(f"cannot find the backup {snapshot or 'of ' + work.job.name}, there are: {known}")
    return found[-1]


def _judged(work: Work, where: Path) -> str:
    """Have the job's own program look at what was restored."""
    if not work.job.verify:
        return ""
    work.tell("having it verified")
    try:
        done = process.run([*work.job.verify, str(where)], timeout=work.left)
    except process.CannotRunError as error:
        raise BackupError(str(error)) from error
    if done.code != 0:
        words = visible((done.output + done.errors).decode(errors="replace").strip().split("\n")[-1], 200)
        raise BackupError(f"{work.job.verify[0]} does not find it good: {words or 'it said nothing'}")
    return f"{Path(work.job.verify[0]).name} finds it good"


def restore(work: Work, snapshot: str, to: Path, *, overwrite: bool) -> Brought:
    """Bring a backup back for good: the procedure that drills rehearse. BackupError."""
    kind = KINDS[work.job.kind]
    with work.place.locked():
        try:
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
            chosen = _chosen(work, snapshot)
            roomy(to, int(kind.needed(work, chosen) * MORE))
            brought: Brought = kind.bring_back(work, chosen, to, overwrite=overwrite)
        except OSError as error:
            raise BackupError(f"cannot restore into {to}: {error.strerror}") from error
    return brought


def kept(work: Work) -> tuple[Kept, ...]:
    """Return what can be restored, oldest first. BackupError."""
    work.place.make()
    found: tuple[Kept, ...] = KINDS[work.job.kind].snapshots(work)
    return found
