"""Copies of configuration files as they were when their unit was good, and the way back. No name is trusted.

The directory of a file may belong to a service, which may exchange anything in it at any moment. So no link is ever
followed, not even on the way; a file is read, kept and put back by names in a directory that is held open; and a file
with a second name is refused, for it may be somebody else's.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

MOST = 1 << 20
"""Bytes of a file: configuration is written by people."""
MOST_LINES = 14
"""Lines of a difference that are told."""
LONGEST_LINE = 200
_BESIDE = ".opsagent-bad-"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ACCESS_LIST = "system.posix_acl_access"
_LABEL = "security.selinux"
_FOR_ALL = stat.S_IROTH


class RefusedError(Exception):
    """A file is left alone; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file as it is: what is in it, whose it is, and what hangs on it; `label` is that of its place in SELinux."""

    content: bytes
    about: os.stat_result
    attributes: dict[str, bytes]
    label: bytes = b""

    def is_as(self, other: Held) -> bool:
        """Whether both have the same content, owner, group and mode."""
        return self.content == other.content and _meta(self.about) == _meta(other.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a file: where the refused one lies now ("" when there was none), and how it differed."""

    path: str
    beside: str
    diff: tuple[str, ...] = ()


def keep(path: str, store: str, started: float, unchanged_for: timedelta, now: float) -> bool:
    """Keep a copy of a file that was there before its unit was `started` (Unix time); say whether it is another one.

    A copy that exists is replaced only once the unit has run for `unchanged_for`. RefusedError says why not.
    """
    with _directory(path) as (where, _), _directory(f"{store}/x") as (kept, _):
        found = _held(where, _name(path))
        old = _there(kept, _key(path))
        if old is not None and old.is_as(found):
            return False
        if max(found.about.st_ctime, found.about.st_mtime) >= started:
            raise RefusedError("it was changed after the unit was started: nobody knows whether it is any good")
        if old is not None and now - started < unchanged_for.total_seconds():
            raise RefusedError("the unit has not run with it for long enough to replace the copy that is kept")
        _put(kept, _key(path), found)
        return True


def restore(path: str, store: str, stamp: str) -> Restored | None:
    """Put a file back as it was kept, what lies there beside it; None where it is so. RefusedError says why not."""
    with _directory(f"{store}/x") as (kept, _):
        good = _there(kept, _key(path))
    if good is None:
        raise RefusedError("no copy is kept of it")
    with _directory(path) as (where, for_all):
        _forget_half(where, _name(path))
        bad = _there(where, _name(path))
        if bad is not None and bad.is_as(good):
            return None
        beside = f"{_name(path)}{_BESIDE}{stamp}" if bad is not None else ""
        _exchange(where, _name(path), good, bad, beside)
    directory = path.rpartition("/")[0]
    diff = _difference(good, bad, for_all=for_all)
    return Restored(path=path, beside=f"{directory}/{beside}" if beside else "", diff=diff)


def _exchange(where: int, name: str, good: Held, bad: Held | None, beside: str) -> None:
    """The file is there at every moment, as it was or as it is wanted."""
    fresh = f".{name}.opsagent-new"
    with _filled(where, fresh, replace(good, label=bad.label if bad is not None else b"")):
        if bad is not None:
            os.link(name, beside, src_dir_fd=where, dst_dir_fd=where, follow_symlinks=False)
            _is_still(where, beside, bad)
        os.rename(fresh, name, src_dir_fd=where, dst_dir_fd=where)
    os.fsync(where)


def _forget_half(where: int, name: str) -> None:
    """Take back what an exchange that was killed had begun: a second name of the file, which would be refused."""
    with contextlib.suppress(OSError):
        now = os.stat(name, dir_fd=where, follow_symlinks=False)
        for other in os.listdir(where) if now.st_nlink > 1 else ():
            if other.startswith(f"{name}{_BESIDE}") and os.path.samestat(
                os.stat(other, dir_fd=where, follow_symlinks=False), now
            ):
                os.unlink(other, dir_fd=where)


def _is_still(where: int, beside: str, bad: Held) -> None:
    now = os.stat(beside, dir_fd=where, follow_symlinks=False)
    if not os.path.samestat(now, bad.about):
        os.unlink(beside, dir_fd=where)
        raise RefusedError("somebody exchanged it at this moment")


def _put(where: int, name: str, held: Held) -> None:
    fresh = f".{name}.new"
    with _filled(where, fresh, replace(held, label=b"")):
        os.rename(fresh, name, src_dir_fd=where, dst_dir_fd=where)
    os.fsync(where)


@contextlib.contextmanager
def _filled(where: int, name: str, held: Held) -> Iterator[None]:
    """Write a file of that name whole and on the disk; where that or what follows fails, nothing is left of it."""
    try:
        _fill(where, name, held)
        yield
    except BaseException:
        _remove(where, name)
        raise


def _fill(where: int, name: str, held: Held) -> None:
    """Access rights come last, and all or none: a mode means something else without its access list."""
    _remove(where, name)
    with os.fdopen(os.open(name, _WRITE, 0o600, dir_fd=where), "wb") as file:
        file.write(held.content)
        os.fchown(file.fileno(), held.about.st_uid, held.about.st_gid)
        with contextlib.suppress(OSError):  # what its directory gives to all new ones; most have none
            os.removexattr(file.fileno(), _ACCESS_LIST)
        os.fchmod(file.fileno(), held.about.st_mode & 0o777)
        for key, value in held.attributes.items():
            os.setxattr(file.fileno(), key, value)
        if held.label:
            with contextlib.suppress(OSError):  # without SELinux it means nothing
                os.setxattr(file.fileno(), _LABEL, held.label)
        file.flush()
        os.fsync(file.fileno())


def _remove(where: int, name: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=where)


def _there(where: int, name: str) -> Held | None:
    try:
        return _held(where, name)
    except FileNotFoundError:
        return None


def _held(where: int, name: str) -> Held:
    """Read a regular file of one name, whole; not while somebody writes it."""
    _fit(os.stat(name, dir_fd=where, follow_symlinks=False))
    file = os.open(name, _READ, dir_fd=where)
    try:
        about = os.fstat(file)
        _fit(about)
        with os.fdopen(os.dup(file), "rb") as stream:
            content = stream.read(MOST + 1)
        now = os.fstat(file)
        if (now.st_mtime_ns, now.st_size, len(content)) != (about.st_mtime_ns, about.st_size, about.st_size):
            raise RefusedError("somebody is writing it")
        found = _attributes(file)
        label = found.pop(_LABEL, b"")
        return Held(content=content, about=about, attributes=found, label=label)
    finally:
        os.close(file)


def _fit(about: os.stat_result) -> None:
    if stat.S_ISLNK(about.st_mode):
        raise RefusedError("it is a link")
    if not stat.S_ISREG(about.st_mode):
        raise RefusedError("it is no regular file")
    if about.st_nlink > 1:
        raise RefusedError("it has other names")
    if about.st_size > MOST:
        raise RefusedError(f"it is larger than {MOST >> 20} MiB")


def _attributes(file: int) -> dict[str, bytes]:
    try:
        wanted = (key for key in os.listxattr(file) if key.startswith("user.") or key in (_ACCESS_LIST, _LABEL))
        return {key: os.getxattr(file, key) for key in wanted}
    except OSError:
        return {}


@contextlib.contextmanager
def _directory(path: str) -> Iterator[tuple[int, bool]]:
    """Open the directory of a file step by step from /, through no link; whether everybody may look into it, too."""
    with contextlib.ExitStack() as opened:
        here, for_all = os.open("/", _DIRECTORY), True
        opened.callback(os.close, here)
        for name in path.strip("/").split("/")[:-1]:
            try:
                here = os.open(name, _DIRECTORY, dir_fd=here)
            except NotADirectoryError as error:  # what Linux says of a link, too
                raise RefusedError(f"{visible(name, 100)} on the way to it is a link or no directory") from error
            opened.callback(os.close, here)
            for_all = for_all and bool(os.fstat(here).st_mode & stat.S_IXOTH)
        yield here, for_all


def _difference(good: Held, bad: Held | None, *, for_all: bool) -> tuple[str, ...]:
    """Return what had been changed since it was good; of a file that is not everybody's to read nothing."""
    if bad is None:
        return ("it was gone",)
    if not (for_all and good.about.st_mode & bad.about.st_mode & _FOR_ALL):
        return ("what differed is not told: not everybody may read it",)
    if good.content == bad.content:
        return (f"its owner or mode was another: {_told(good.about)} when it was good, {_told(bad.about)} now",)
    was, found = (one.content.decode("utf-8", "replace").splitlines() for one in (good, bad))
    lines = list(difflib.unified_diff(was, found, "when it was good", "as it was found", n=1, lineterm=""))
    more = (f"… and {len(lines) - MOST_LINES} more lines",) if len(lines) > MOST_LINES else ()
    return (*(visible(line, LONGEST_LINE) for line in lines[:MOST_LINES]), *more)


def _meta(about: os.stat_result) -> tuple[int, int, int]:
    return about.st_uid, about.st_gid, about.st_mode & 0o777


def _told(about: os.stat_result) -> str:
    owner, group, mode = _meta(about)
    return f"{owner}:{group} {mode:o}"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _key(path: str) -> str:
    return f"{hashlib.sha256(path.encode()).hexdigest()[:32]}-{_name(path)[:40]}"
