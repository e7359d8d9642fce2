"""A snapshot beside the event log: a shortcut for the next start, never the truth. Whoever doubts it removes it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.store import draft

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.core.log_row import Row

NAME = "snapshot"
FORM = "opsagent-snapshot-1"
LARGEST = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot's text, the number of the last event in it, that event's own hash, and the code that made it."""

    text: str
    seq: int
    row: str
    code: str


def hash_of(row: Row) -> str:
    """Return the hash of a recorded event: a snapshot of another log, or of one that was changed, is not believed."""
    cells = (row.seq, row.at.isoformat(), row.host, row.type, row.incident, row.actor, row.because, row.data)
    return hashlib.sha256("\x1f".join(map(str, cells)).encode("utf-8", "surrogatepass")).hexdigest()


def write(directory: Path, kept: Kept) -> None:
    """Replace the snapshot; it is on the disk, whole, or the old one stays. Raises OSError."""
    text = kept.text.encode("utf-8", "surrogatepass")
    content = f"{FORM} {kept.code} {kept.seq} {kept.row}\n".encode() + text
    beside = directory / f"{NAME}.new"
    with os.fdopen(draft.opened(beside), "wb") as file:
        file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(directory / NAME)


def read(directory: Path) -> Kept | None:
    """Return the snapshot; None when there is none, or it is not as it was written."""
    try:
        digest, _, content = _bytes(directory / NAME).partition(b"\n")
    except OSError:
        return None
    if digest != hashlib.sha256(content).hexdigest().encode():
        return None
    head, _, text = content.partition(b"\n")
    form, *words = head.decode("ascii").split(" ")
    if form != FORM:
        return None
    code, seq, row = words
    return Kept(text=text.decode("utf-8", "surrogatepass"), seq=int(seq), row=row, code=code)


def _bytes(path: Path) -> bytes:
    """Return what a regular file holds; nothing of anything else, and nothing of what is larger than any snapshot."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        return file.read(LARGEST) if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST else b""


def forget(directory: Path) -> None:
    """Remove the snapshot: the next start reads the whole log. Raises OSError."""
    for name in (NAME, f"{NAME}.new"):
        (directory / name).unlink(missing_ok=True)
