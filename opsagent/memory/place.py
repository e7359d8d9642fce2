"""Reaching a file below the memory root without ever following a trap that somebody laid there."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

DIRECTORY_MODE = 0o2770
FILE_MODE = 0o660
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KNOWN = {
    errno.ELOOP: "it is a symbolic link",
    errno.EISDIR: "it is a directory",
    errno.ENXIO: "it is a socket or a pipe, no regular file",
}


class WriteError(Exception):
    """A memory file could not be written. Nothing is lost: the event log has it all."""


@contextmanager
def named(path: PurePosixPath, doing: str = "write") -> Iterator[None]:
    """Turn what the system says into a `WriteError` that names the file and the reason."""
    try:
        yield
    except OSError as error:
        reason = _KNOWN.get(error.errno or 0) or error.strerror or str(error)
        raise WriteError(f"cannot {doing} {path}: {reason}") from error


@contextmanager
def folder(root: Path, parts: tuple[str, ...], *, make: bool = True) -> Iterator[int]:
    """Open `root` and the folders below it, step by step; those that are missing are made, symbolic links refused.

    Without `make` nothing is made, and FileNotFoundError is raised.

    The folders above `root` must exist, and are not followed through symbolic links either. Raises OSError.
    """
    if not root.is_absolute() or ".." in (*root.parts, *parts):
        raise OSError(errno.EPERM, f"the memory root {root} is not an absolute path without '..'")
    with ExitStack() as opened:
        step = os.open("/", _FOLDER)
        opened.callback(os.close, step)
        for number, part in enumerate((*root.parts[1:], *parts), start=2):
            step = _step(step, part, make=make and number >= len(root.parts))
            opened.callback(os.close, step)
            if number >= len(root.parts) - 1:
                _must_be_closed_to_strangers(step, part)
        yield step


def _must_be_closed_to_strangers(step: int, part: str) -> None:
    """Who may rename in the root, above or below it could put files of his own in the place of ours.

    The sticky bit (as in /tmp) keeps strangers from that.
    """
    mode = os.fstat(step).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise OSError(errno.EPERM, f"everybody may write in {part}, run chmod o-w on it")


def _step(above: int, part: str, *, make: bool) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=above)
    except NotADirectoryError as error:
        mode = os.stat(part, dir_fd=above, follow_symlinks=False).st_mode
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no directory"
        raise OSError(errno.EPERM, f"{part} on its way is {what}") from error
    except FileNotFoundError:
        if not make:
            raise
    os.mkdir(part, DIRECTORY_MODE & 0o777, dir_fd=above)
    made = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    # The service's sandbox (RestrictSUIDSGID) forbids to ask for the setgid bit; there the folder above hands it down.
    if stat.S_IMODE(os.fstat(made).st_mode) != DIRECTORY_MODE:
        try:
            os.fchmod(made, DIRECTORY_MODE)
        except PermissionError:
            os.fchmod(made, DIRECTORY_MODE & 0o777)
    sync(above)
    return made


def sync(at: int) -> None:
    """Make the names in a folder survive a power cut."""
    with readable(at) as opened:
        os.fsync(opened)


@contextmanager
def readable(at: int) -> Iterator[int]:
    """Open the folder itself for what its handle from `folder` cannot do."""
    opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def alone(at: int) -> Iterator[None]:
    """Keep another opsagent (a rebuild from the command line) from making files in a folder at the same time."""
    with readable(at) as opened:
        locked(opened)
        yield


def locked(opened: int) -> None:
    """Take a file's lock or raise OSError at once: a lock that somebody holds for ever must not stop us for ever."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError(errno.EBUSY, "somebody else holds its lock") from error


@contextmanager
def existing(at: int, name: str, flags: int = 0) -> Iterator[int]:
    """Open a regular file with one link for reading and writing, whoever owns it; anything else is refused.

    `flags` may add O_APPEND. Raises OSError; FileNotFoundError when it is not there.
    """
    opened = os.open(name, _FILE | flags, dir_fd=at)
    try:
        _must_be_plain(at, name, os.fstat(opened))
        yield opened
    finally:
        os.close(opened)


@contextmanager
def read_only(at: int, name: str) -> Iterator[int]:
    """Open such a file for reading alone: it may be one that we may not write. Raises OSError."""
    opened = os.open(name, _FILE & ~os.O_ACCMODE | os.O_RDONLY, dir_fd=at)
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.EPERM, "it is no regular file with one name")
        yield opened
    finally:
        os.close(opened)


def _must_be_plain(at: int, name: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EPERM, "it is no regular file")
    if found.st_nlink > 1 and not _finished(at, name, found):
        raise OSError(errno.EPERM, "it has more than one name (hard link)")


def _finished(at: int, name: str, found: os.stat_result) -> bool:
    """Take away the second name that a crash in `created` left, and say whether it was that."""
    try:
        draft = os.stat(draft_of(name), dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if found.st_nlink > 2 or (draft.st_dev, draft.st_ino) != (found.st_dev, found.st_ino):  # noqa: PLR2004 - two names
        return False
    os.unlink(draft_of(name), dir_fd=at)
    return True


def draft_of(name: str) -> str:
    """Return the name under which a file is written before it gets its own."""
    return f".{name}.opsagent"


def created(at: int, name: str, content: bytes) -> bool:
    """Make a file with its whole content at once, or not at all; False when somebody else made it first.

    Raises OSError; a full disk leaves nothing behind.
    """
    with alone(at):
        draft = drafted(at, name, content, FILE_MODE)
        try:
            os.link(draft, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        except FileExistsError:
            return False
        finally:
            os.unlink(draft, dir_fd=at)
        sync(at)
    return True


def drafted(at: int, name: str, content: bytes, mode: int) -> str:
    """Write content under the draft's name, on disk when this returns, and return that name. Raises OSError.

    Only to be called `alone`: the name is the same for all.
    """
    draft = draft_of(name)
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=at)
    opened = os.open(draft, _FILE | os.O_CREAT | os.O_EXCL, FILE_MODE, dir_fd=at)
    try:
        os.fchmod(opened, mode)
        filled(opened, content)
        os.fsync(opened)
    except OSError:
        os.unlink(draft, dir_fd=at)
        raise
    finally:
        os.close(opened)
    return draft


def filled(opened: int, content: bytes) -> None:
    """Write all of it, however short the single writes are. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(opened, rest) :]
