"""The names in a service's environment. Values may be secrets: they are never kept, not even for a moment longer."""

from __future__ import annotations

import glob
import os
import re
import stat
from typing import TYPE_CHECKING

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 64 * 1024
MOST = 200
MOST_FILES = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)


def names(given: Iterable[str], files: Iterable[tuple[str, bool]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of `Environment=` and of `EnvironmentFile=` (paths, maybe patterns), and the files closed to us.

    Both sorted, at most `MOST` names. A file that is not there has none.
    """
    found = {name for one in given if (name := _name(one))}
    unread: set[str] = set()
    for path in [path for pattern, _ in files for path in sorted(glob.glob(pattern))[:MOST_FILES]]:  # noqa: PTH207 - systemd's own patterns
        try:
            found.update(_names_in(_content(path)))
        except OSError:
            unread.add(visible(path, 200))
    return tuple(sorted(found)[:MOST]), tuple(sorted(unread))


def _content(path: str) -> str:
    """Read the beginning of a regular file; a pipe would keep us waiting for ever."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError("it is no regular file")
        return os.read(opened, LARGEST).decode("utf-8", "replace")
    finally:
        os.close(opened)


def _names_in(text: str) -> Iterator[str]:
    """Read the names as systemd reads such a file: a line that ends in a backslash goes on in the next."""
    goes_on = False
    for line in text.splitlines():
        if not goes_on and not line.lstrip().startswith(("#", ";")) and (name := _name(line.strip())):
            yield name
        goes_on = line.endswith("\\")


def _name(assignment: str) -> str:
    name, equals, _ = assignment.partition("=")
    return name.strip() if equals and _NAME.fullmatch(name.strip()) else ""
