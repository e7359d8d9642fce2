"""Whether the directories that the settings name could be written at all. Asked of a draft only.

A daemon whose memory cannot be written now keeps its settings and catches up later.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.settings.problem import LONGEST_PATH, Problem, shown
from opsagent.settings.relations import text_of
from opsagent.settings.tree import Mapping, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.settings.source import Account
    from opsagent.settings.tree import Node

_KERNELS = (Path("/proc"), Path("/sys"), Path("/dev"))


def unwritable(root: Mapping, account: Account, *, looks_only: bool) -> Iterator[Problem]:
    """Find directories that cannot be made or written, each at its line.

    With `looks_only` this account is not the one that writes there, so that it need not be able to.
    """
    for loc in (("state",), ("memory",), ("metrics", "textfile")):
        named = text_of(_section(root, loc[:-1]), loc[-1])
        path = account.home / named.removeprefix("~/") if named.startswith("~/") else Path(named)
        if not path.is_absolute():
            continue  # not given, or refused already
        place = path.parent if loc[-1] == "textfile" else path
        why = _why_not(place, as_we_are=not (account.is_system or looks_only))
        if why:
            text = (
                f"cannot write {shown(named, LONGEST_PATH)}: {why}, allowed: a directory that can be made and written"
            )
            yield Problem(place=place_of(root, loc), text=f"{text} ({loc[-1]})")


def _section(root: Mapping, loc: tuple[str, ...]) -> Node | None:
    """Return the mapping that a key stands in."""
    found: Node | None = root
    for step in loc:
        found = found.items.get(step) if isinstance(found, Mapping) else None
    return found


def _why_not(path: Path, *, as_we_are: bool) -> str:
    """Say what is in the way, "" when nothing is known to be. Root's rights are not asked: the service is not root."""
    if any(path.is_relative_to(each) for each in _KERNELS):
        return "only the kernel makes files there"
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
        if not there.is_dir():
            return f"{there} is no directory"
        if os.statvfs(there).f_flag & os.ST_RDONLY:
            return f"the file system of {there} is read-only"
    except OSError as error:
        return f"{error.strerror}" if as_we_are else ""
    return f"this account may not write in {there}" if as_we_are and not os.access(there, os.W_OK | os.X_OK) else ""
