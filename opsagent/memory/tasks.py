"""Reading what people left to be done: the newest records of incidents, below our part of them, and the tickets."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from opsagent.core.report.incident_file import of_people
from opsagent.core.task import Task, items, tickets
from opsagent.memory import guides
from opsagent.memory.layout import PLACES, POSTMORTEMS, Layout
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path, PurePosixPath

MOST = 100
"""Files of each kind that are read, the newest."""
LARGEST = 1024 * 1024
_ENDING = ".md"


def stamp(root: Path, layout: str) -> guides.Stamp:
    """Return what changes when one of these files does. Opens nothing."""
    found = []
    for path in _files(root, layout):
        with suppress(OSError):
            status = (root / path).lstat()
            found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def read(root: Path, layout: str, redact: Callable[[str], str]) -> tuple[tuple[Task, ...], tuple[str, ...]]:
    """Return what is left to be done, and what could not be read and why. Every text passes `redact` first."""
    found, trouble = list[Task](), list[str]()
    for path in _files(root, layout):
        try:
            text = (guides.content(root, path, LARGEST) or b"").decode("utf-8-sig", "replace")
        except WriteError as error:
            trouble.append(str(error))
            continue
        label = path.name.removesuffix(_ENDING)
        is_ticket = path.parent == PLACES[Layout(layout)].tickets
        said = (*(tickets(text) if is_ticket else ()), *items(text if is_ticket else of_people(text)))
        found += [Task(text=redact(one), where=str(path), incident=label) for one in said]
    return tuple(found), tuple(trouble)


def _files(root: Path, layout: str) -> Iterator[PurePosixPath]:
    places = PLACES[Layout(layout)]
    for folder in (*_months(root, places.incidents), places.tickets, POSTMORTEMS):
        names = [name for name in _names(root / folder) if name.startswith("OPS-") and name.endswith(_ENDING)]
        yield from (folder / name for name in names[-MOST:])


def _months(root: Path, incidents: PurePosixPath) -> list[PurePosixPath]:
    """Return the folders of the last two months in which there were incidents."""
    years = [name for name in _names(root / incidents) if name.isdecimal()][-2:]
    months = [incidents / year / month for year in years for month in _names(root / incidents / year)]
    return months[-2:]


def _names(folder: Path) -> list[str]:
    with suppress(OSError):
        return sorted(one.name for one in os.scandir(folder))
    return []
