"""Who has a file open: asked before it is replaced under somebody's hands. Needs root to see all."""

from __future__ import annotations

import os
from pathlib import Path

MOST = 5


def holders(path: Path) -> tuple[str, ...]:
    """Return the processes that have this file open, as `pid 123 (name)`, at most five."""
    try:
        wanted = path.stat()
    except OSError:
        return ()
    identity = (wanted.st_dev, wanted.st_ino)
    running = (process for process in Path("/proc").iterdir() if process.name.isdecimal())
    found = [f"pid {process.name} ({_name(process)})" for process in running if _holds(process, identity)]
    return tuple(found[:MOST])


def _holds(process: Path, identity: tuple[int, int]) -> bool:
    try:
        handles = list((process / "fd").iterdir())
    except OSError:
        return False
    return any(_identity(handle) == identity for handle in handles)


def _identity(handle: Path) -> tuple[int, int] | None:
    try:
        about = os.stat(handle)  # noqa: PTH116 - follows the link to what is open
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return "ended"
