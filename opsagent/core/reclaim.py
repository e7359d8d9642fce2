"""Reclaiming disk: what root lets be taken away, how a unit is told so, and what it says afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.backup.judging import shown
from opsagent.core.quantity import Bytes
from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_NAMED = 2
"""Paths that are told of what was left alone for one reason; the rest is a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldFiles:
    """Old files of one directory, which may be taken away.

    path: the directory, by its full path; no link may be on the way to it.
    pattern: which files by name, such as `*.log.*`; one that begins with a dot needs a pattern that does.
    older_than: only files whose content was last changed longer ago.
    recursive: true goes into its subdirectories too, never into another file system.
    """

    path: str
    pattern: str
    older_than: timedelta
    recursive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaim:
    """What the remedy `reclaim` may take away when disk is needed; nothing that is not named here.

    journal: archived files of systemd's journal, oldest first, until it takes no more than this.
    apt_cache: true takes away the packages that apt has downloaded.
    directories: old files of these directories.
    docker_prune: true takes away images of Docker without a name and its build cache; never containers or volumes.
    timeout: the longest it may run.
    """

    journal: Bytes | None = None
    apt_cache: bool = False
    directories: tuple[OldFiles, ...] = ()
    docker_prune: bool = False
    timeout: timedelta = timedelta(minutes=2)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that it could take away."""
        return self.journal is None and not (self.apt_cache or self.directories or self.docker_prune)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What was left alone for one reason: how many there were, and the first of them."""

    why: str
    count: int
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What became of one item: bytes and files that are gone, and what was left alone."""

    what: str
    size: int = 0
    files: int = 0
    left: tuple[Left, ...] = ()


def arguments(wanted: Reclaim, spared: Iterable[str]) -> tuple[str, ...]:
    """Return what the unit's program is told: all of it stands in the unit, where root can read it."""
    words = [word for path in spared for word in ("--spare", path)]
    words += ["--journal", str(int(wanted.journal))] if wanted.journal is not None else []
    words += ["--apt-cache"] if wanted.apt_cache else []
    words += ["--docker-prune"] if wanted.docker_prune else []
    words += [word for one in wanted.directories for word in ("--files", _told(one))]
    return (*words, "--within", f"{wanted.timeout.total_seconds():g}")


def _told(one: OldFiles) -> str:
    return json.dumps({**asdict(one), "older_than": one.older_than.total_seconds()})


def files_of(text: str) -> OldFiles:
    """Read what `arguments` wrote of a directory. ValueError, TypeError or KeyError for anything else."""
    found: dict[str, Any] = json.loads(text)
    return OldFiles(**{**found, "older_than": timedelta(seconds=found["older_than"])})


def plain(found: Sequence[Freed]) -> dict[str, Any]:
    """Return the report for JSON."""
    return {"freed": [asdict(one) for one in found]}


def reported(body: Mapping[str, Any]) -> tuple[Freed, ...]:
    """Read a report again. ValueError, TypeError or KeyError when it is none."""
    return tuple(_freed(one) for one in body["freed"])


def _freed(one: Mapping[str, Any]) -> Freed:
    left = tuple(
        Left(why=str(each["why"]), count=int(each["count"]), paths=tuple(map(str, each["paths"])))
        for each in one["left"]
    )
    return Freed(what=str(one["what"]), size=int(one["size"]), files=int(one["files"]), left=left)


def total(found: Sequence[Freed]) -> int:
    """Return how many bytes are free again."""
    return sum(one.size for one in found)


def sentence(found: Sequence[Freed]) -> str:
    """Return what was freed: `freed 1.2 GiB: 1.1 GiB of /var/log/app (3 files), 80.0 MiB of the journal (1 file)`."""
    gone = sorted((one for one in found if one.files or one.size), key=lambda one: -one.size)
    of = ", ".join(f"{shown(one.size)} of {visible(one.what, 100)}{_counted(one.files)}" for one in gone)
    freed = f"freed {shown(total(found))}: {of}" if gone else "freed nothing"
    left = "; ".join(_left(each) for one in found for each in one.left)
    return f"{freed}; left alone: {left}" if left else freed


def _counted(files: int) -> str:
    return f" ({files} {'file' if files == 1 else 'files'})" if files else ""


def _left(one: Left) -> str:
    named = ", ".join(visible(path, 100) for path in one.paths)
    more = one.count - len(one.paths)
    return f"{named}{f' and {more} more' if more > 0 else ''} ({one.why})"
