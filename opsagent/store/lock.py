"""The instance lock: one daemon for a state directory, held by the kernel for as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from opsagent.store import owner

NAME = "lock"
TRIES = 20
"""How often a lock file that was replaced under our hands is taken anew before giving up."""


class LockedError(Exception):
    """Another process holds the lock; `pid` is the holder as it wrote itself down, or None."""

    def __init__(self, path: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"cannot take {path}: {who} holds it; one opsagent per state directory")
        self.pid = pid


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLock:
    """The lock, held until `release` or the end of the process. The file is never unlinked."""

    path: Path
    handle: int

    def release(self) -> None:
        """Let the next one in."""
        os.close(self.handle)

    def is_ours_still(self) -> bool:
        """Tell whether the name still means the file we locked: when not, somebody deleted it, and a second may run."""
        return is_same_file(self.handle, self.path)


def take(directory: Path) -> InstanceLock:
    """Take the lock of a state directory, or raise LockedError; OSError when the file cannot be opened."""
    path = directory / NAME
    for _ in range(TRIES):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = holder(handle)
            os.close(handle)
            raise LockedError(path, pid) from None
        if is_same_file(handle, path):
            owner.follow_directory(handle, directory)
            sign(handle)
            return InstanceLock(path=path, handle=handle)
        os.close(handle)
    raise LockedError(path, None)


def is_same_file(handle: int, path: Path) -> bool:
    """Tell whether a name means this open file."""
    try:
        named = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), named)


def sign(handle: int) -> None:
    """Write down who holds it, for the message the second one shows; a full disk only makes that message poorer.

    A file that has another name too is somebody's, and only locked.
    """
    with suppress(OSError):
        if os.fstat(handle).st_nlink > 1:
            return
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def holder(handle: int) -> int | None:
    """Return the process that signed, or None when the file does not say."""
    text = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None
