"""One mebibyte kept on the disk for the day it is full, so that "the disk is full" itself can be recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 1 << 20
SPARE = 4 * SIZE
"""Laid out again only when the disk has this much to spare, so that it never takes the last of it."""


def lay_out(path: Path) -> bool:
    """Reserve the ballast's blocks; True when it lies there. A disk that cannot spare them is no error here."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        return reserve(handle)
    finally:
        os.close(handle)


def reserve(handle: int) -> bool:
    """Reserve the blocks of an open file, unless they are reserved or the disk is short."""
    if os.fstat(handle).st_size >= SIZE:
        return True
    room = os.fstatvfs(handle)
    if room.f_bavail * room.f_frsize < SPARE:
        return False
    try:
        os.posix_fallocate(handle, 0, SIZE)
    except OSError:
        return False
    return True


def drop(path: Path) -> bool:
    """Give the blocks back; True when there was something to give. The name stays, for when inodes are short."""
    try:
        if path.stat().st_size == 0:
            return False
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def is_laid_out(path: Path) -> bool:
    """Tell whether the blocks are reserved."""
    try:
        return path.stat().st_size >= SIZE
    except OSError:
        return False
