"""Incident labels that others have used: agents that keep learnings beside our memory draw from the same numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 1024 * 1024
MOST_FILES = 100
_LABEL = re.compile(r"\bOPS-\d{8}-[0-9A-Z]{3}\b")


def taken(root: Path) -> frozenset[str]:
    """Return every label found in the learnings of a memory; what cannot be read holds none."""
    return frozenset(label for text in _texts(root / ".learnings") for label in _LABEL.findall(text))


def _texts(folder: Path) -> Iterator[str]:
    try:
        paths = sorted(folder.rglob("*.md"))[:MOST_FILES]
    except OSError:
        return
    for path in paths:
        try:
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    yield file.read(LARGEST).decode("utf-8", "replace")
        except OSError:
            continue
