"""A file that is written beside the one it will replace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODE = 0o640


def opened(path: Path) -> int:
    """Return a new file open for writing; what lay there, of whatever kind, is removed and not looked at.

    To open what lies there would write through a link into another's file, and wait for ever at a pipe.
    """
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
