"""The pattern files of a memory: their stamps, their texts, and what of them must not be read."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from opsagent.core.archive.pattern import Archive, Pattern, Refused
from opsagent.core.task import items
from opsagent.core.text import visible
from opsagent.memory import guides, place
from opsagent.memory.layout import PLACES, Layout
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path, PurePosixPath

MOST = 500
MOST_LISTED = 10_000
"""Names of the folder that are looked at; somebody may have thrown something else in there."""
LARGEST = 64 * 1024
LONGEST_NAME = 100
MOST_OF_FILE, MOST_REFUSED = 10, 100
"""What is named of one file, and of all: it goes on record whole, each time that something of it changes."""
_ENDING = ".md"
_NOT_PATTERNS = ("README.md", "readme.md", "index.md")

Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """What one file says: its pattern, None where it cannot be used, and what is wrong with it."""

    name: str
    pattern: Pattern | None = None
    refused: tuple[Refused, ...] = ()


def folder(layout: str) -> PurePosixPath:
    """Return where the pattern files are, below the memory root."""
    return PLACES[Layout(layout)].patterns


def make_room(root: Path, layout: str) -> None:
    """Make the folder, as one for the group, before somebody else makes it as one of his own."""
    with suppress(OSError), place.folder(root, folder(layout).parts):
        pass  # where it cannot be made the writer will say so


def stamps(root: Path, layout: str) -> dict[str, Stamp]:
    """Return each file of the archive with what changes when it does. Opens nothing."""
    found: dict[str, Stamp] = {}
    with suppress(OSError), os.scandir(root / folder(layout)) as entries:
        for entry in islice(entries, MOST_LISTED):
            if entry.name.endswith(_ENDING) and entry.name[0] != "." and entry.name not in _NOT_PATTERNS:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    found[entry.name] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


def read(root: Path, layout: str, names: Iterable[str]) -> tuple[FileRead, ...]:
    """Read these files, the first five hundred. Nothing is made, nothing is followed, and no file spoils another."""
    return tuple(_read(root, folder(layout) / name) for name in islice(names, MOST))


def _read(root: Path, path: PurePosixPath) -> FileRead:
    shown = visible(str(path), LONGEST_NAME + 100)
    if len(path.name) > LONGEST_NAME or shown != str(path):
        why = f"has a name that cannot be used, allowed: up to {LONGEST_NAME} printable characters"
        return FileRead(name=path.name, refused=(Refused(path=f"{shown}:1", why=why),))
    try:
        raw = guides.content(root, path, LARGEST)
    except WriteError as error:
        why = f"is not read: {str(error).removeprefix(f'cannot read {path}: ')}"
        return FileRead(name=path.name, refused=(Refused(path=f"{shown}:1", why=why),))
    if raw is None:
        return FileRead(name=path.name)  # it was there when the folder was listed
    from opsagent.archive import front  # noqa: PLC0415 - YAML's library, which the daemon leaves to the reader

    text = raw.decode("utf-8", "replace")
    pattern, refused = front.pattern(shown, path.name.removesuffix(_ENDING), text, guides.saved_at(root / path))
    known = replace(pattern, tasks=items(text)) if pattern is not None else None
    return FileRead(name=path.name, pattern=known, refused=_first(refused, MOST_OF_FILE, f"{shown}:1"))


def archive(found: Iterable[FileRead], layout: str, more: int = 0) -> Archive:
    """Return what files come to, in the order of their names. `more` were not read, for there are too many."""
    files = sorted(found, key=lambda one: one.name)
    refused = [one for file in files for one in file.refused]
    if more:
        why = f"holds {more} files more than are read, allowed: up to {MOST}"
        refused.append(Refused(path=f"{folder(layout)}:1", why=why))
    return Archive(
        patterns=tuple(one.pattern for one in files if one.pattern is not None),
        refused=_first(tuple(refused), MOST_REFUSED, f"{folder(layout)}:1"),
    )


def _first(refused: tuple[Refused, ...], most: int, path: str) -> tuple[Refused, ...]:
    more = len(refused) - most
    why = f"has {more} more things that cannot be used; they are named when these are mended"
    return refused if more <= 0 else (*refused[:most], Refused(path=path, why=why))
