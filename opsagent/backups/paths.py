"""Files and directories in an encrypted repository of restic."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.backups import manifest
from opsagent.backups.place import BackupError
from opsagent.backups.work import Brought, Kept, Made, Work
from opsagent.core.backup.job import Paths
from opsagent.core.backup.judging import shown
from opsagent.host.restic import Ended, Restic, ResticError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

INCOMPLETE = 3
ALL = 100
_NO_REPOSITORY = "Is there a repository at the following location?"


def make(work: Work) -> Made:
    """Keep the paths in the repository, hash what was kept, let go what need not be kept. BackupError."""
    what = _what(work)
    missing = [path for path in what.paths if not os.path.lexists(path)]
    if missing:
        raise BackupError(f"cannot back up what is not there: {', '.join(missing)}")
    _opened(work)
    found = _kept(work)
    snapshot = str(found["snapshot_id"])[:8]
    _hash(work, snapshot)
    _let_go(work)
    return Made(
        snapshot=snapshot,
        size=int(found["total_bytes_processed"]),
        files=int(found["total_files_processed"]),
        added=int(found.get("data_added", 0)),
    )


def _what(work: Work) -> Paths:
    if not isinstance(work.job.what, Paths):
        raise TypeError(work.job.kind)
    return work.job.what


def _tag(work: Work) -> str:
    return f"opsagent-{work.job.name}"


def _restic(
    work: Work, arguments: Sequence[str], heard: Callable[[dict[str, Any]], None] | None = None, *, tries: bool = False
) -> Ended:
    """Run restic; BackupError when it fails, unless the caller `tries` what may fail."""
    what = _what(work)
    restic = Restic(
        repository=what.repository, password_file=Path(what.password_file), cache=work.place.private / "cache"
    )
    try:
        ended = restic.run(arguments, within=work.left.total_seconds(), heard=heard)
    except ResticError as error:
        raise BackupError(f"restic {arguments[0]}: {error}") from error
    if ended.code and not tries:
        raise BackupError(f"restic {arguments[0]}: {ended.said}")
    return ended


def _opened(work: Work) -> None:
    """Take away locks of those that died, and make the repository where there never was one.

    One that is gone is not made anew: its disk is perhaps not mounted, and the backups would go somewhere else.
    """
    ended = _restic(work, ["unlock"], tries=True)
    if not ended.code:
        return
    if not any(_NO_REPOSITORY in line for line in ended.words) and "does not exist" not in ended.said:
        raise BackupError(f"restic unlock: {ended.said}")
    if work.place.recorded().good:
        raise BackupError("the repository is gone, and there were backups in it: is its disk mounted?")
    _restic(work, ["init"])


def _kept(work: Work) -> dict[str, Any]:
    """Run the backup; what could not be read makes it incomplete, and an incomplete one is no backup."""
    what, found = _what(work), dict[str, Any]()

    def heard(said: dict[str, Any]) -> None:
        if said.get("message_type") == "status":
            total = shown(int(said.get("total_bytes", 0)))
            work.tell(f"{100 * float(said.get('percent_done', 0)):.0f} % of {total}")
        elif said.get("message_type") == "summary":
            found.update(said)

    excluded = [f"--exclude={pattern}" for pattern in what.exclude]
    ended = _restic(work, ["backup", "--json", "--tag", _tag(work), *excluded, "--", *what.paths], heard, tries=True)
    if ended.code == INCOMPLETE:
        raise BackupError(f"some files could not be read, so the backup is not whole: {ended.said}")
    if ended.code or "snapshot_id" not in found:
        raise BackupError(f"restic backup: {ended.said}")
    return found


def _hash(work: Work, snapshot: str) -> None:
    work.tell("hashing what was kept")
    nodes: list[manifest.Node] = []

    def heard(said: dict[str, Any]) -> None:
        if said.get("struct_type") == "node" and said.get("type") == "file":
            nodes.append(manifest.Node(path=said["path"], size=int(said.get("size", 0)), mtime=said["mtime"]))

    _restic(work, ["ls", "--json", snapshot], heard)
    manifest.write(manifest.path_of(work.place.private, snapshot), manifest.hashed(nodes, _latest_hashes(work), work))


def _latest_hashes(work: Work) -> dict[str, manifest.Hashed]:
    there = sorted((work.place.private / "hashes").glob("*.gz"), key=lambda path: path.stat().st_mtime_ns)
    return manifest.read(there[-1]) if there else {}


def _let_go(work: Work) -> None:
    work.tell("letting go what need not be kept")
    keep = work.job.keep
    wanted = {"last": keep.last, "daily": keep.daily, "weekly": keep.weekly, "monthly": keep.monthly}
    arguments = [f"--keep-{name}={count}" for name, count in wanted.items() if count]
    gone: set[str] = set()

    def heard(said: dict[str, Any]) -> None:
        gone.update(str(one["id"])[:8] for group in said.get("list", ()) for one in group.get("remove") or ())

    _restic(work, ["forget", "--json", "--tag", _tag(work), "--group-by", "tags", *arguments, "--prune"], heard)
    for snapshot in gone:
        manifest.path_of(work.place.private, snapshot).unlink(missing_ok=True)


def snapshots(work: Work) -> tuple[Kept, ...]:
    """Return what can be restored, oldest first, also while the lock of one that was killed is still there."""
    found: list[dict[str, Any]] = []
    _restic(work, ["unlock"], tries=True)
    _restic(work, ["snapshots", "--json", "--tag", _tag(work)], lambda said: found.extend(said.get("list", ())))
    made = [Kept(snapshot=str(one["id"])[:8], at=_utc(one["time"])) for one in found]
    return tuple(sorted(made, key=lambda one: one.at))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def needed(work: Work, chosen: Kept) -> int:
    """Return how many bytes a restore takes."""
    sizes: list[int] = []
    asked = ["stats", "--json", "--mode", "restore-size", chosen.snapshot]
    _restic(work, asked, lambda said: sizes.append(said["total_size"]))
    return sizes[-1] if sizes else 0


def bring_back(work: Work, chosen: Kept, to: Path, *, overwrite: bool) -> Brought:
    """Restore everything below `to`, and compare it with the hashes that were taken when it was kept."""
    if not overwrite and any(to.iterdir()):
        raise BackupError(f"cannot restore into {to}, which is not empty: --overwrite replaces what is there")
    work.tell("restoring")
    _restic(work, ["restore", chosen.snapshot, "--target", str(to)])
    work.tell("comparing")
    known = manifest.read(manifest.path_of(work.place.private, chosen.snapshot))
    same = manifest.compare(known, to, work)
    size, files = _counted(to) if not overwrite else (sum(one.size for one in known.values()), len(known))
    proof = f"{same} of {files} files by their hashes" if known else f"{files} files came back"
    return Brought(snapshot=chosen.snapshot, size=size, files=files, proof=proof)


def _counted(below: Path) -> tuple[int, int]:
    sizes = [path.lstat().st_size for path in _files(below)]
    return sum(sizes), len(sizes)


def _files(below: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(below):
        yield from (Path(folder) / name for name in names if not (Path(folder) / name).is_symlink())


def check(work: Work) -> str:
    """Read the repository again and say how much of it is good. BackupError when a bit of it has changed."""
    percent = _what(work).read_data
    work.tell("reading the repository")
    _restic(work, ["unlock"])
    much = "--read-data" if percent == ALL else f"--read-data-subset={percent}%"
    ended = _restic(work, ["check", much], tries=True)
    if ended.code:
        raise BackupError(f"the repository is damaged: {ended.said}")
    return "the whole repository read" if percent == ALL else f"{percent} % of the repository read"
