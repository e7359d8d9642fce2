"""Takes away old files of a directory. No name is trusted: everything is asked of an opened file, never of a path.

Whoever may write in the directory may exchange anything in it at any moment. So no link is ever followed, not even on
the way to the directory; subdirectories are entered by their opened parent; and what is removed is a name in a
directory that is held open, never a path. A name that is exchanged between the last look and the removal, some
microseconds, costs a name of that very directory, and nothing anywhere else.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING

from opsagent.core.reclaim import MOST_NAMED, Freed, Left, OldFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 32
BATCH = 10_000
"""Names of one directory that are held at once: with millions in it, what was seen goes before the rest is read."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512
_LONGEST = 400
"""Characters of a path that are told: whoever nests directories must not make the report too long to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What holds for all directories of a run.

    `now` is Unix time. `spared` are directories (device and inode) that are neither entered nor passed, `ours` the
    user and group whose files are never touched (-1: nobody's). `left` says how many seconds are left.
    """

    now: float
    spared: frozenset[tuple[int, int]] = frozenset()
    ours: tuple[int, int] = (-1, -1)
    left: Callable[[], float] = lambda: 60.0


class _LeftAloneError(Exception):
    """Something is not taken away; the text says why."""


class _EnoughError(Exception):
    """The bounds of a run are reached."""


@dataclass(slots=True)
class _Sweep:
    """One directory tree on its way: what is gone, and what was left alone for which reason."""

    wanted: OldFiles
    bounds: Bounds
    size: int = 0
    files: int = 0
    mount: str = ""
    left: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def leave(self, path: str, why: str) -> None:
        """Note what is left alone."""
        self.counts[why] = self.counts.get(why, 0) + 1
        named = self.left.setdefault(why, [])
        if len(named) < MOST_NAMED:
            named.append(path[:_LONGEST])


def spared(paths: Iterator[str] | tuple[str, ...]) -> frozenset[tuple[int, int]]:
    """Return device and inode of the directories that must be left alone, as far as they are there."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):
            about = os.stat(path)  # noqa: PTH116 - all of this file speaks to the kernel directly
            found.add((about.st_dev, about.st_ino))
    return frozenset(found)


def remove(wanted: OldFiles, bounds: Bounds) -> Freed:
    """Take away what is old enough, in the order in which it lies there; what is refused is in what is returned."""
    sweep = _Sweep(wanted=wanted, bounds=bounds)
    try:
        with contextlib.ExitStack() as opened:
            top = _reached(wanted.path, bounds, opened)
            sweep.mount = _mount(top)
            _sweep(sweep, top, wanted.path, 0)
    except (_LeftAloneError, OSError) as error:
        sweep.leave(wanted.path, _said(error))
    except _EnoughError as error:
        sweep.leave("the rest", str(error))
    left = tuple(Left(why=why, count=sweep.counts[why], paths=tuple(paths)) for why, paths in sweep.left.items())
    return Freed(what=wanted.path, size=sweep.size, files=sweep.files, left=left)


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__


def _reached(path: str, bounds: Bounds, opened: contextlib.ExitStack) -> int:
    """Open a directory step by step from /, through no link and nothing that is spared."""
    here = os.open("/", _DIRECTORY)
    opened.callback(os.close, here)
    for name in path.strip("/").split("/"):
        here = _entered(here, name, bounds)
        opened.callback(os.close, here)
    return here


def _entered(parent: int, name: str, bounds: Bounds) -> int:
    try:
        found = os.open(name, _DIRECTORY, dir_fd=parent)
    except NotADirectoryError as error:  # what Linux says of a link, too
        raise _LeftAloneError("a link or no directory") from error
    about = os.fstat(found)
    if (about.st_dev, about.st_ino) in bounds.spared or about.st_gid == bounds.ours[1]:
        os.close(found)
        raise _LeftAloneError("it is opsagent's own or the system's")
    return found


def _mount(directory: int) -> str:
    """Return the number of the mount that a directory belongs to: a mount of the same file system is another, too."""
    with open(f"/proc/self/fdinfo/{directory}", encoding="ascii") as lines:  # noqa: PTH123 - as above
        return next(line for line in lines if line.startswith("mnt_id:"))


def _sweep(sweep: _Sweep, directory: int, path: str, depth: int) -> None:
    for name in _names(sweep, directory):
        where = f"{path}/{name}"
        try:
            about = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISDIR(about.st_mode):
                _below(sweep, directory, name, where, depth)
            elif _matches(name, sweep.wanted.pattern) and about.st_mtime < _oldest(sweep):
                _take(sweep, directory, name)
        except (_LeftAloneError, OSError) as error:
            sweep.leave(where, _said(error))


def _oldest(sweep: _Sweep) -> float:
    return sweep.bounds.now - sweep.wanted.older_than.total_seconds()


def _names(sweep: _Sweep, directory: int) -> Iterator[str]:
    """Return the names in a directory. What comes while we are at it is too young to go."""
    with os.scandir(directory) as found:
        while names := [entry.name for entry in islice(found, BATCH)]:
            for name in names:
                if sweep.bounds.left() <= 0:
                    raise _EnoughError("no time was left")
                yield name


def _matches(name: str, pattern: str) -> bool:
    """A hidden file is meant only by a pattern that says so, as in a shell."""
    return fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))


def _below(sweep: _Sweep, parent: int, name: str, path: str, depth: int) -> None:
    if not sweep.wanted.recursive:
        return
    if depth >= DEEPEST:
        raise _LeftAloneError(f"deeper than {DEEPEST} directories")
    found = _entered(parent, name, sweep.bounds)
    try:
        if _mount(found) != sweep.mount:
            raise _LeftAloneError("another file system")
        _sweep(sweep, found, path, depth + 1)
    finally:
        os.close(found)


def _take(sweep: _Sweep, directory: int, name: str) -> None:
    """Remove one name, after asking the file itself once more."""
    looked = os.open(name, _LOOK, dir_fd=directory)
    try:
        about = os.fstat(looked)
        _may_go(about, sweep)
        with _unused(looked):
            _may_go(os.fstat(looked), sweep)  # whoever closed it a moment ago may have written to it
            if not os.path.samestat(os.stat(name, dir_fd=directory, follow_symlinks=False), about):
                raise _LeftAloneError("somebody exchanged it at this moment")
            os.unlink(name, dir_fd=directory)
        if os.fstat(looked).st_nlink == 0:
            sweep.size += about.st_blocks * _BLOCK
            sweep.files += 1
    finally:
        os.close(looked)


def _may_go(about: os.stat_result, sweep: _Sweep) -> None:
    if stat.S_ISLNK(about.st_mode):
        raise _LeftAloneError("a link")
    if not stat.S_ISREG(about.st_mode):
        raise _LeftAloneError("no regular file")
    if about.st_nlink != 1:
        raise _LeftAloneError("it has other names, its space would not be freed")
    if about.st_mtime >= _oldest(sweep):
        raise _LeftAloneError("it was changed just now")
    if about.st_uid == sweep.bounds.ours[0] or about.st_gid == sweep.bounds.ours[1]:
        raise _LeftAloneError("it is opsagent's own")


@contextlib.contextmanager
def _unused(looked: int) -> Iterator[None]:
    """Make sure that no process has a file open: its space would not be freed, and its writer would write to nowhere.

    The kernel gives a lease for writing only to the one who alone has it open; whoever opens it meanwhile waits.
    """
    opened = os.open(f"/proc/self/fd/{looked}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        try:
            fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError as error:
            raise _LeftAloneError("a process has it open") from error
        except OSError as error:
            raise _LeftAloneError(f"nobody can tell whether it is in use: {error.strerror}") from error
        yield
    finally:
        os.close(opened)
