"""Reading what people wrote for the next time (playbook, runbooks, failures): small regular files, nothing else."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsagent.core.archive.entry import MOST, entries
from opsagent.core.playbook import parsing
from opsagent.core.playbook.section import Guides
from opsagent.memory import place
from opsagent.memory.layout import PLACES, RUNBOOKS, Layout
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path, PurePosixPath

    from opsagent.core.playbook.section import Runbook

MOST_RUNBOOKS = 100
LARGEST_ARCHIVE = 1024 * 1024
_BESIDE = ("README.md", "bug-patterns.md", "ci-failures.md", "debugging-notes.md")
_BEGINNING = 8192  # bytes of a runbook: what it says of itself stands there

Stamp = tuple[tuple[str, int, int, int], ...]


def saved_at(file: Path) -> datetime | None:
    """Return when a file was last changed (UTC), None where its stamp is no time: anybody may set one."""
    with suppress(OSError, OverflowError, ValueError):
        return datetime.fromtimestamp(file.lstat().st_mtime, UTC)
    return None


def archives(layout: str) -> tuple[PurePosixPath, ...]:
    """Return the files in which people and agents keep entries of failures: the index, and what is beside it."""
    places = PLACES[Layout(layout)]
    beside = (folder / name for name in _BESIDE for folder in (places.archive.parent, places.patterns.parent))
    return tuple(dict.fromkeys((places.archive, *beside)))


def stamp(root: Path, layout: str) -> Stamp:
    """Return what changes when one of these files does. Opens nothing."""
    found = []
    for path in (PLACES[Layout(layout)].playbook, *archives(layout), *runbooks(root)):
        with suppress(OSError):
            status = (root / path).lstat()
            found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def runbooks(root: Path) -> list[PurePosixPath]:
    """Return the first hundred files of runbooks by name."""
    with suppress(OSError):
        return sorted(RUNBOOKS / one.name for one in os.scandir(root / RUNBOOKS) if one.name.endswith(".md"))[
            :MOST_RUNBOOKS
        ]
    return []


def read(root: Path, layout: str, redact: Callable[[str], str]) -> tuple[Guides, tuple[str, ...]]:
    """Return what these files say, and what of it could not be read and why. Every text passes `redact` first."""
    trouble: list[str] = []
    playbook = _text(root, PLACES[Layout(layout)].playbook, redact, trouble, parsing.LARGEST)
    books = tuple(_runbooks(root, redact, trouble))
    texts = ((str(path), _text(root, path, redact, trouble, LARGEST_ARCHIVE)) for path in archives(layout))
    known = tuple(one for where, text in texts for one, _ in entries(where, text) if not one.ours)
    return Guides(sections=parsing.sections(playbook), runbooks=books, entries=known[:MOST]), tuple(
        dict.fromkeys(trouble)
    )


def _runbooks(root: Path, redact: Callable[[str], str], trouble: list[str]) -> Iterator[Runbook]:
    for path in runbooks(root):
        if text := _text(root, path, redact, trouble, None):
            yield parsing.runbook(path.name, text)


def _text(root: Path, path: PurePosixPath, redact: Callable[[str], str], trouble: list[str], most: int | None) -> str:
    try:
        raw = content(root, path, most)
    except WriteError as error:
        trouble.append(str(error))
        return ""
    return redact((raw or b"").decode("utf-8-sig", "replace"))


def content(root: Path, path: PurePosixPath, most: int | None = parsing.LARGEST) -> bytes | None:
    """Return the bytes of a file, None when it is not there. Raises `WriteError` for traps and for more than `most`.

    Without `most` only its beginning is read. Nothing is made, and nothing is written.
    """
    with place.named(path, "read"):
        try:
            with place.folder(root, path.parts[:-1], make=False) as at, place.read_only(at, path.name) as opened:
                size = os.fstat(opened).st_size
                if most is not None and size > most:
                    raise OSError(errno.EFBIG, f"it has {size} bytes, more than {most}")
                return os.pread(opened, most or _BEGINNING, 0)
        except FileNotFoundError:
            return None
