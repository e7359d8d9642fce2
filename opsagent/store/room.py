"""How much of the disk the state directory takes, and whether that is too much."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CAP = 500 << 20
"""Bytes the state directory may take."""
WARN = 0.8
LEAST_FREE = 64 << 20
"""Bytes that must be free on the file system; below that the next log rotation may fill it."""
LEAST_INODES = 1000
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the directory takes and what its file system has left. `inodes` is None where there is no such limit."""

    used: int
    free: int
    inodes: int | None

    def complaint(self, cap: int = CAP) -> str:
        """Say what is wrong, or will be soon; nothing when all is well."""
        if self.free < LEAST_FREE:
            return f"the disk of the state directory has {self.free // MEBIBYTE} MiB left"
        if self.inodes is not None and self.inodes < LEAST_INODES:
            return f"the disk of the state directory has {self.inodes} inodes left: new files cannot be made soon"
        if self.used >= cap * WARN:
            return f"the state directory takes {self.used // MEBIBYTE} MiB of the {cap // MEBIBYTE} MiB allowed"
        return ""


def measure(directory: Path) -> Room:
    """Look at a directory; what vanishes meanwhile counts as nothing. OSError when it is not there."""
    room = os.statvfs(directory)
    inodes = room.f_favail if room.f_files else None
    return Room(used=size_of(directory), free=room.f_bavail * room.f_frsize, inodes=inodes)


def size_of(directory: Path) -> int:
    """Add up the blocks of every file below, links not followed."""
    total = 0
    for folder, _, files in os.walk(directory):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            total += sum(blocks(name, handle) for name in files)
        finally:
            os.close(handle)
    return total


def blocks(name: str, folder: int) -> int:
    """Return the bytes a file takes on the disk."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0
