"""Incident labels that others have used: agents that keep learnings beside our memory draw from the same numbers."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1024 * 1024
MOST_FILES = 100
_LABEL = re.compile(r"\bOPS-\d{8}-[0-9A-Z]{3}\b")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def taken(root: Path) -> frozenset[str]:
    """Return every label found in the learnings of a memory; what cannot be read holds none."""
    return frozenset(label for text in _texts(root / ".learnings") for label in _LABEL.findall(text))


def _texts(folder: Path) -> Iterator[str]:
    """Read below a folder in which others write: each step from an open folder, so that no link leads out of it."""
    with suppress(OSError):
        files = ((name, at) for *_, names, at in os.fwalk(folder) for name in sorted(names) if name.endswith(".md"))
        for name, at in islice(files, MOST_FILES):
            yield _text(name, at)


def _text(name: str, at: int) -> str:
    """Return what a regular file holds. It is judged once it is open: a name can become a link after any look at it."""
    with suppress(OSError), os.fdopen(os.open(name, _READ, dir_fd=at), "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read(LARGEST).decode("utf-8", "replace")
    return ""
