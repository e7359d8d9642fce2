"""Writing a memory file: entries that are only added, a head of fixed length, parts of ours between our marks.

A file may change under our hands: people write into it with any editor, the daemon dies, the disk is full. So offsets
are never trusted, markers decide what is there already, and nothing is ever cut off: an entry that was torn by
a crash is completed, for it is a proper prefix of the entry that is written again.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opsagent.core.report.head import HEAD_BYTES
from opsagent.memory import place
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path, PurePosixPath

LARGEST = 64 * 1024 * 1024
ROUNDS = 4
BELOW = b"<!-- write anywhere below: opsagent only adds, your lines stay as they are -->\n"
_HEAD = re.compile(rb"# [^\n]*\n<!-- opsagent:head [^\n]*-->\n.*\n<!-- /opsagent:head -->\n", re.DOTALL)
_MARKER = re.compile(rb"^<!-- opsagent:(\d+) -->\r?$", re.MULTILINE)

__all__ = ["LARGEST", "WriteError", "Writer"]


class Writer:
    """Writes the files below one root. Every path it takes is relative to that root. Holds nothing open."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, path: PurePosixPath, seq: int, text: str, *, first: str = "") -> bool:
        """Add an entry and its marker at the end, unless its marker is there already; True when it was added.

        One write. A short one (disk full) raises `WriteError`; the next call with the same entry completes it.
        A missing file is made, beginning with `first`.
        """
        entry = f"\n{_unmarked(text)}\n<!-- opsagent:{seq} -->\n".encode(errors="replace")
        with self._open(path, os.O_APPEND, first=first.encode()) as opened:
            for _ in range(ROUNDS):
                content = _content(opened)
                if seq in _markers(content):
                    return False
                rest = entry[_torn(content, entry) :]
                if os.write(opened, rest) == len(rest):
                    os.fdatasync(opened)
                    return True
            raise OSError(errno.ENOSPC, "only a part of it could be written")

    def head(self, path: PurePosixPath, text: str) -> bool:
        """Put the head of `HEAD_BYTES` bytes at the beginning of a file, making the file if it is not there.

        False when the file begins with something else: then it is somebody's, and only added to.
        """
        head = text.encode()
        if len(head) != HEAD_BYTES or not _HEAD.fullmatch(head):
            raise WriteError(f"cannot write {path}: its head has not the form of a head of {HEAD_BYTES} bytes")
        with self._open(path, first=head + BELOW) as opened:
            found = os.pread(opened, HEAD_BYTES, 0)
            if found == head:
                return True
            if not _HEAD.fullmatch(found):
                return False
            done = os.pwrite(opened, head, 0)
            while done < HEAD_BYTES:
                done += os.pwrite(opened, head[done:], done)
            return True

    def replace(self, path: PurePosixPath, change: Callable[[str], str]) -> bool:
        """Rewrite a file by a pure function of its text; True when it changed. A missing file is the empty text.

        The new text takes the place of the old at once. Bytes that are no UTF-8 pass through `change` unharmed
        (surrogateescape), and what somebody adds to the old file in the last moment is added to the new one.
        """
        with place.named(path), place.folder(self._root, path.parts[:-1]) as at:
            for _ in range(ROUNDS):
                if (changed := _replaced(at, path.name, change)) is not None:
                    return changed
            raise OSError(errno.EBUSY, "somebody keeps changing it")

    def create(self, path: PurePosixPath, text: str) -> bool:
        """Make a file with this text, unless something has its name already; True when it was made."""
        with place.named(path), place.folder(self._root, path.parts[:-1]) as at:
            return place.created(at, path.name, text.encode(errors="replace"))

    def read(self, path: PurePosixPath) -> bytes | None:
        """Return the file's bytes, None when it is not there. Traps and files over `LARGEST` raise `WriteError`."""
        try:
            with place.named(path), place.folder(self._root, path.parts[:-1]) as at, place.existing(at, path.name) as f:
                return _content(f)
        except WriteError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def markers(self, path: PurePosixPath) -> frozenset[int]:
        """Return the numbers of the entries that a file holds in full."""
        return _markers(self.read(path) or b"")

    @contextmanager
    def _open(self, path: PurePosixPath, flags: int = 0, *, first: bytes) -> Iterator[int]:
        """Open a file, made with `first` if it is not there, and hold its lock."""
        with place.named(path), place.folder(self._root, path.parts[:-1]) as at:
            try:
                os.stat(path.name, dir_fd=at, follow_symlinks=False)
            except FileNotFoundError:
                place.created(at, path.name, first)
            with place.existing(at, path.name, flags) as opened:
                place.locked(opened)
                yield opened


def _content(opened: int) -> bytes:
    size = os.fstat(opened).st_size
    if size > LARGEST:
        raise OSError(errno.EFBIG, f"it has {size} bytes, more than {LARGEST}: move it away")
    parts = []
    offset = 0
    while part := os.pread(opened, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _markers(content: bytes) -> frozenset[int]:
    return frozenset(int(number) for number in _MARKER.findall(content))


def _unmarked(text: str) -> str:
    """Take from a text the power to look like one of our marks."""
    return text.replace("<!-- opsagent:", "<!- opsagent:").replace("<!-- /opsagent:", "<!- /opsagent:")


def _torn(content: bytes, entry: bytes) -> int:
    """Return how many bytes of this entry the file ends with. One alone is a line break, and may be anybody's."""
    longest = min(len(entry) - 1, len(content))
    return next((length for length in range(longest, 1, -1) if content.endswith(entry[:length])), 0)


def _replaced(at: int, name: str, change: Callable[[str], str]) -> bool | None:
    """Try once; None when the file changed meanwhile."""
    try:
        with place.existing(at, name) as opened:
            place.locked(opened)
            before, old = os.fstat(opened), _content(opened)
            new = _changed(old, change)
            if new == old:
                return False
            with place.alone(at):
                draft = place.drafted(at, name, new, stat.S_IMODE(before.st_mode))
                if _stamp(before) != _stamp(os.fstat(opened)) or not _same(at, name, before):
                    os.unlink(draft, dir_fd=at)
                    return None
                os.rename(draft, name, src_dir_fd=at, dst_dir_fd=at)  # a power cut may undo it: then the old one stays
            _add_late(at, name, _content(opened)[len(old) :])
            return True
    except FileNotFoundError:
        new = _changed(b"", change)
        return place.created(at, name, new) or None if new else False


def _changed(old: bytes, change: Callable[[str], str]) -> bytes:
    return change(old.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _same(at: int, name: str, before: os.stat_result) -> bool:
    return os.stat(name, dir_fd=at, follow_symlinks=False).st_ino == before.st_ino


def _add_late(at: int, name: str, late: bytes) -> None:
    """Add what somebody wrote to the old file between our last look and the renaming."""
    if late:
        with place.existing(at, name, os.O_APPEND) as opened:
            place.filled(opened, late)
