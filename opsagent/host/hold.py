"""Root's HOLD file: while it is there, nothing is done to this host."""

from __future__ import annotations

import os
import stat

_MOST = 200


def held(path: str) -> str:
    """Return why every action is held, or "" when there is no such file.

    The reason is the file's first line, as written, at most 200 characters. A place that cannot be looked at counts
    as held: to act without knowing would be worse than to wait.
    """
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"cannot look for {path}: {error.strerror}"
    return (stat.S_ISREG(mode) and _first_line(path)) or f"{path} is there"


def _first_line(path: str) -> str:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.readline(_MOST).decode(errors="replace").strip()
    except OSError:
        # It is there, which is all that matters; its reason is a courtesy.
        return ""
