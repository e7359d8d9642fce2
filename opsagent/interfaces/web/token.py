"""The token that opens the HTTP door: from the file that the settings name, else one of our own making."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

NAME = "http.token"
SHORTEST = 16
_MOST = 1024


def token_of(named: str, state: Path) -> str:
    """Return the token. Without a file of the settings it is made once, in the state directory, for our group to read.

    OSError when it cannot be read or made; ValueError when it is none.
    """
    path = Path(named) if named else _made(state / NAME)
    token = _first_line(path)
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable():
        raise ValueError(f"the token in {path} is of no use, allowed: one line of {SHORTEST} ASCII characters or more")
    return token


def _made(path: Path) -> Path:
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        with open(handle, "w", encoding="ascii") as file:  # noqa: PTH123 - of a descriptor
            file.write(f"{secrets.token_urlsafe(24)}\n")
    return path


def _first_line(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        text = os.read(handle, _MOST).decode(errors="replace")
    finally:
        os.close(handle)
    return next(iter(text.splitlines()), "").strip()
