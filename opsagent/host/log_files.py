"""What is new in log files since the last reading: by inode, over rotation and truncation, bounded."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import stat
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.text import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_FILES = 64
MOST_BYTES = 512 * 1024
"""Bytes of one file, and four times that of all together, that are read at once; before them it is passed over."""
LONGEST_LINE = 4096
_MOST_ALL = 4 * MOST_BYTES
_HEAD = 256
_MOST_NAMES = 4096
_PACKED = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z", ".zip")


@dataclass(frozen=True, slots=True)
class FilePlace:
    """How far one file was read: which file it is, by device, inode and a sum of its first bytes, and the offset."""

    path: str
    device: int
    inode: int
    offset: int
    head: int = 0
    sum: int = 0


@dataclass(slots=True)
class FileNews:
    """What came since: (path, line) in the order of the files, the places to go on from, and what was missed."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    places: list[FilePlace] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    found: int = 0
    left: int = _MOST_ALL


def news(patterns: Iterable[str], places: Sequence[FilePlace] | None, tail: int = 0) -> FileNews:
    """Return what was written since `places`; with None, the first time, the last `tail` bytes of what is there.

    A file that came since is read from its beginning. Raises OSError where a file that is named cannot be read; of
    those that a pattern finds, that is said.
    """
    made = FileNews()
    known = {(one.device, one.inode): one for one in places or ()}
    paths = _paths(patterns, made)
    for path, named in paths.items():
        try:
            with _opened(path) as (descriptor, status):
                made.found += 1
                before = known.pop((status.st_dev, status.st_ino), None)
                begin = max(0, status.st_size - tail) if places is None else 0
                fresh = FilePlace(path, status.st_dev, status.st_ino, begin)
                place = before if before is not None else fresh
                whole = begin == 0 or before is not None
                _read(made, replace(place, path=path), descriptor, status.st_size, whole=whole)
        except OSError as error:
            if named:
                raise
            made.missed.append(f"{path} cannot be read: {(error.strerror or str(error)).lower()}")
    for left in known.values():
        _finish(made, left, is_wanted=left.path in paths)
    made.places = made.places[:MOST_FILES]
    return made


def _paths(patterns: Iterable[str], made: FileNews) -> dict[str, bool]:
    """Return the files that are meant, each with whether it was named; the newest where there are too many.

    Compressed ones were read before they were.
    """
    found: dict[str, bool] = {}
    for pattern in patterns:
        is_pattern = glob.has_magic(pattern)
        for path in glob.iglob(pattern) if is_pattern else (pattern,):  # noqa: PTH207 - full paths
            if not path.endswith(_PACKED) and len(found) < _MOST_NAMES:
                found[path] = not is_pattern
    if len(found) > MOST_FILES:
        made.missed.append(f"of {len(found)} files the {MOST_FILES} newest are read")
    return {path: found[path] for path in sorted(sorted(found, key=_modified)[-MOST_FILES:])}


def _modified(path: str) -> float:
    with contextlib.suppress(OSError):
        return Path(path).stat().st_mtime
    return 0.0


@contextlib.contextmanager
def _opened(path: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file; a pipe or a device would hold us, or never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file", path)
        yield descriptor, status
    finally:
        os.close(descriptor)


def _read(made: FileNews, place: FilePlace, descriptor: int, size: int, *, whole: bool = True) -> None:
    """Read one file from its place to its end, as far as the bounds allow. `whole`: a line begins at the place."""
    if size < place.offset or _sum(descriptor, place.head) != place.sum:
        made.missed.append(f"{place.path} was begun anew, what was written to it just before may be missing")
        place, whole = replace(place, offset=0), True
    budget = min(MOST_BYTES, made.left)
    begin = max(place.offset, size - budget)
    if begin > place.offset and whole:
        made.missed.append(f"{_spoken(begin - place.offset)} of {place.path} were passed over")
    raw = os.pread(descriptor, size - begin, begin)
    made.left -= len(raw)
    cut = 0 if whole and begin == place.offset else raw.find(b"\n") + 1
    end = raw.rfind(b"\n") + 1
    if not end and len(raw) > LONGEST_LINE:  # a line without an end is no reason to read it again and again
        end = len(raw)
    for line in raw[cut:end].splitlines():
        if line:
            made.lines += [(place.path, text) for text in readable(line[:LONGEST_LINE])]
    head = min(_HEAD, begin + end)
    made.places.append(replace(place, offset=begin + end, head=head, sum=_sum(descriptor, head)))


def _finish(made: FileNews, place: FilePlace, *, is_wanted: bool) -> None:
    """Read the rest of a file that is no longer where it was: renamed beside it, most likely, and still written to."""
    moved = _renamed(place)
    if moved is None:
        if not Path(place.path).exists():
            made.places.append(place)  # it may come back
        elif is_wanted:
            made.missed.append(f"the {place.path} of before is gone, its last lines may be missing")
        return
    with contextlib.suppress(OSError), _opened(moved) as (descriptor, status):
        if (status.st_dev, status.st_ino) == (place.device, place.inode):
            _read(made, replace(place, path=moved), descriptor, status.st_size)


def _renamed(place: FilePlace) -> str | None:
    try:
        with os.scandir(os.path.dirname(place.path)) as beside:  # noqa: PTH120 - text only
            return next((one.path for one in itertools.islice(beside, _MOST_NAMES) if _is(one, place)), None)
    except OSError:
        return None


def _is(one: os.DirEntry[str], place: FilePlace) -> bool:
    return one.inode() == place.inode and not one.name.endswith(_PACKED) and not one.is_symlink()


def _sum(descriptor: int, length: int) -> int:
    return zlib.crc32(os.pread(descriptor, length, 0)) if length else 0


def _spoken(count: int) -> str:
    return f"{count / 1024**2:.0f} MiB" if count >= 1024**2 else f"{count / 1024:.0f} KiB"
