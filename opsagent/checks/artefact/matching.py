"""Files that match a pattern, as in a shell; what is closed to us is told, where `glob` would take it for empty."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST = 10_000
_MAGIC = frozenset("*?[")
_T = TypeVar("_T")


def matching(path: str) -> list[tuple[str, os.stat_result]]:
    """Return the file of that name, else those that match it (at most `MOST`), the newest last.

    OSError when none is found and not everything could be looked at.
    """
    try:
        return [(path, os.stat(path))]  # noqa: PTH116 - the name may hold pattern characters
    except FileNotFoundError:
        pass
    closed: list[OSError] = []
    found = list(islice(_matches("/", path.split("/"), closed), MOST))
    if closed and not found:
        raise closed[0]
    return sorted(found, key=lambda match: match[1].st_mtime_ns)


def _matches(folder: str, parts: list[str], closed: list[OSError]) -> Iterator[tuple[str, os.stat_result]]:
    part, *rest = parts
    names = [part]
    if _MAGIC & set(part):
        names = [name for name in _asked(os.listdir, folder, closed) or () if _fits(name, part)]
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118 - thousands of names; text costs less than a Path for each
        if rest:
            yield from _matches(path, rest, closed)
        elif (about := _asked(os.stat, path, closed)) is not None:
            yield path, about


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _asked(question: Callable[[str], _T], path: str, closed: list[OSError]) -> _T | None:
    """Ask about a path; None when nothing is there, be it that it went meanwhile or that a link leads nowhere."""
    try:
        return question(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        closed.append(error)
        return None
