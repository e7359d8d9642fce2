"""The token that opens the HTTP door: from the file that the settings name, else one of our own making."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from opsagent.store import draft

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
    """Make it whole or not at all: a disk that is full must not leave a token that opens nothing for ever."""
    if not path.exists():
        beside = path.with_name(f".{path.name}.new")
        with os.fdopen(draft.opened(beside), "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")
        beside.rename(path)
    return path


def _first_line(path: Path) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        text = os.read(handle, _MOST).decode(errors="replace")
    finally:
        os.close(handle)
    return next(iter(text.splitlines()), "").strip()
