"""What every kind of backup is given, and what it gives back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.backups.place import BackupError, Place
from opsagent.core.backup.job import Job

if TYPE_CHECKING:
    from pathlib import Path


CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One run, drill or restore of a job: where, since when (`now`, UTC), until when (monotonic seconds).

    `tell` takes a few words on how far it is.
    """

    job: Job
    place: Place
    now: datetime
    until: float
    tell: Callable[[str], None]

    @property
    def left(self) -> timedelta:
        """How long it may still take. BackupError when that is over."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise BackupError(f"cannot go on: it has taken longer than {self.job.timeout}, the key timeout allows more")
        return timedelta(seconds=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made: `size` in bytes as restored, `added` what it took on the disk."""

    snapshot: str
    size: int
    files: int
    added: int
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup that can be restored. `size` is 0 where only the repository knows it."""

    snapshot: str
    at: datetime
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What was brought back, and how it is known to be what was kept."""

    snapshot: str
    size: int
    files: int
    proof: str


def sha256(path: Path, work: Work) -> str:
    """Return the hash of a file. OSError; BackupError when the time is over."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            if time.monotonic() > work.until:
                _ = work.left
    return digest.hexdigest()
