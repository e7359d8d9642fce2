"""One mebibyte kept on the disk for the day it is full, so that "the disk is full" itself can be recorded."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 1 << 20
SPARE = 4 * SIZE
"""Laid out again only when the disk has this much to spare, so that it never takes the last of it."""


def lay_out(path: Path) -> bool:
    """Reserve the ballast's blocks; True when it lies there. A disk that cannot spare them is no error here."""
    try:
        with _opened(path, os.O_CREAT) as handle:
            return reserve(handle)
    except OSError:
        return False


def reserve(handle: int) -> bool:
    """Reserve the blocks of an open file, unless they are reserved or the disk is short. Raises OSError."""
    if os.fstat(handle).st_size >= SIZE:
        return True
    room = os.fstatvfs(handle)
    if room.f_bavail * room.f_frsize < SPARE:
        return False
    os.posix_fallocate(handle, 0, SIZE)
    return True


def drop(path: Path) -> bool:
    """Give the blocks back; True when there was something to give. The name stays, for when inodes are short."""
    try:
        with _opened(path) as handle:
            there = os.fstat(handle).st_size > 0
            os.ftruncate(handle, 0)
    except OSError:
        return False
    return there


def is_laid_out(path: Path) -> bool:
    """Tell whether the blocks are reserved."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return False
    return _is_ours(found) and found.st_size >= SIZE


@contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    """Open the ballast for writing, and nothing that only stands under its name: it will be cut. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o600)
    try:
        if not _is_ours(os.fstat(handle)):
            raise OSError(errno.EPERM, "it is no regular file with one name")
        yield handle
    finally:
        os.close(handle)


def _is_ours(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
