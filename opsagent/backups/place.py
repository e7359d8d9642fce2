"""Where a job leaves its record for everybody, and what it keeps for root alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.backup.judging import shown
from opsagent.core.backup.record import Record, read, written

if TYPE_CHECKING:
    from collections.abc import Iterator

SPARE = 64 << 20
"""Bytes that stay free beside what is restored."""


class BackupError(Exception):
    """A backup, a drill or a restore that did not come about; the text says why, and never what is in a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The directory of one job: `record.json` is for everybody to read, `private` for its owner alone."""

    directory: Path
    scratch: Path | None = None

    @property
    def record(self) -> Path:
        """What became of its runs and drills."""
        return self.directory / "record.json"

    @property
    def private(self) -> Path:
        """Hashes, caches, locks: names of files are nobody else's business."""
        return self.directory / "private"

    def make(self) -> None:
        """Make what is not there, with the modes it needs whatever the umask is. BackupError when it cannot."""
        for path, mode in ((self.directory.parent, 0o755), (self.directory, 0o755), (self.private, 0o700)):
            try:
                path.mkdir(parents=True, exist_ok=True)
                if path.stat().st_uid == os.geteuid():
                    path.chmod(mode)
            except OSError as error:
                raise BackupError(f"cannot make {path}: {error.strerror}; backups are made by root") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the job: one run, drill or restore at a time. BackupError when another one does."""
        self.make()
        with (self.private / "lock").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BackupError(f"cannot begin: another run or drill of {self.directory.name} is under way") from None
            yield

    def recorded(self) -> Record:
        """Return the record, an empty one where there is none or none that can be read."""
        try:
            return read(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Record()

    def keep(self, record: Record) -> None:
        """Write the record beside and put it in place, so that nobody ever reads half of it."""
        put(self.record, written(record).encode(), 0o644)

    @contextlib.contextmanager
    def scratched(self, needed: int) -> Iterator[Path]:
        """Lend an empty directory with room for `needed` bytes, for its owner alone, and take it away afterwards."""
        above = self.scratch or self.private
        above.mkdir(parents=True, exist_ok=True)
        need_trusted(above)
        made = above / f"opsagent-drill-{self.directory.name}"
        if made.is_symlink() or made.exists():  # of one that was killed; a link is refused
            shutil.rmtree(made)
        roomy(above, needed)
        made.mkdir(mode=0o700)
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def need_trusted(directory: Path) -> None:
    """Do nothing where only root, or who we are, may change a directory and those above it; else BackupError.

    Whoever may, could put a link where we are about to write, and as root we would write to wherever it leads.
    """
    place = directory.resolve()
    for one in (place, *place.parents):
        about = one.stat()
        by_all = about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX
        by_group = one == place and about.st_mode & stat.S_IWGRP and about.st_gid not in {0, os.getegid()}
        if about.st_uid not in {0, os.geteuid()} or by_all or by_group:
            raise BackupError(f"cannot write safely to {directory}: others may change {one}, allowed: root's alone")


def roomy(path: Path, needed: int) -> None:
    """Do nothing where there is room for that many bytes; BackupError says how many are missing."""
    there = next(one for one in (path, *path.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if free < needed + SPARE:
        raise BackupError(f"cannot write {shown(needed)} to {path}: {shown(free)} are free")


def put(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole: beside, synced, then in its place."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        os.fchmod(handle, mode)
        stream.flush()
        os.fsync(handle)
    beside.replace(path)
    synced(path.parent)


def synced(directory: Path) -> None:
    """Have the names in a directory outlive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
