"""Commands and findings that wait, as files, for a daemon that does not answer.

The directory may be written by a group, so what lies in it is looked at without trust. A file becomes an event once:
append it with `spooled=(uuid,)`, then `remove` it; `EventLog.is_spooled` tells of one left by a crash in between.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from opsagent.core.log_row import StoreError
from opsagent.store.database import disk_trouble

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json")
REFUSED = "refused"
LARGEST = 64 << 10
MOST = 1000
"""Files looked at in one reading; the rest wait for the next. As many of other names, so that none keeps ours out."""
EARLIEST = 1970
"""The year in which clocks begin; from the first of all years no span can be taken away."""
LONGEST_NAME = 255
"""Bytes; the file systems' own limit."""
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
WRITE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A waiting file: `body` is its JSON text (an object), `at` (UTC) what it says of itself, `uid` who owns it.

    Who it says it is by is a claim; the owner is a fact.
    """

    uuid: str
    at: datetime
    uid: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A name in the spool that is no spooled file, and why in one word."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """What waits, in order of time and then name, and what was refused."""

    waiting: tuple[Spooled, ...] = ()
    refused: tuple[Refused, ...] = ()


class _RefusedError(Exception):
    """Carries the reason, one word."""


def write(directory: Path, body: str) -> Path:
    """Put a JSON object with an `at` (ISO 8601) into the spool; when this returns it outlives a power cut.

    StoreError when the directory cannot be written; ValueError when nobody could read the body back.
    """
    fault = fault_in(body.encode())
    if fault:
        raise ValueError(f"cannot spool this: {fault}; allowed: a JSON object of at most {LARGEST} bytes with `at`")
    name = f"{uuid4()}.json"
    try:
        _write_whole(directory, name, body.encode())
    except OSError as error:
        raise StoreError(disk_trouble(error), f"cannot write {directory / name}: {error.strerror}") from error
    return directory / name


def _write_whole(directory: Path, name: str, body: bytes) -> None:
    """Write beside, sync, rename, sync the directory: a file under its name is always whole."""
    spool = os.open(directory, FOLDER)
    beside = f".{name}.new"
    try:
        _fill(os.open(beside, WRITE, 0o640, dir_fd=spool), body)
        os.rename(beside, name, src_dir_fd=spool, dst_dir_fd=spool)
        os.fsync(spool)
    except OSError:
        with suppress(OSError):
            os.unlink(beside, dir_fd=spool)
        raise
    finally:
        os.close(spool)


def _fill(handle: int, body: bytes) -> None:
    """Write it all, for the daemon's group to read whatever the umask of the writer is: its owner is its author."""
    try:
        os.fchmod(handle, 0o640)
        left = memoryview(body)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def peek(directory: Path) -> Spool:
    """Look at what waits and change nothing: for those who only read. A missing directory is an empty one."""
    try:
        spool = os.open(directory, FOLDER)
    except FileNotFoundError:
        return Spool()
    try:
        return _look(spool)
    finally:
        os.close(spool)


def read(directory: Path) -> Spool:
    """Look at what waits and set aside what is refused. OSError when it cannot look."""
    spool = peek(directory)
    set_aside(directory, spool.refused)
    return spool


def set_aside(directory: Path, refused: tuple[Refused, ...]) -> None:
    """Move names into `refused/`, each with its reason before it. One that cannot be moved stays, and harms nobody."""
    if not refused:
        return
    with suppress(OSError), ExitStack() as opened:
        spool = os.open(directory, FOLDER)
        opened.callback(os.close, spool)
        with suppress(FileExistsError):
            os.mkdir(REFUSED, 0o770, dir_fd=spool)
        aside = os.open(REFUSED, FOLDER, dir_fd=spool)
        opened.callback(os.close, aside)
        for bad in refused:
            named = os.fsencode(f"{bad.reason}-{bad.name}")[:LONGEST_NAME]
            with suppress(OSError):
                os.rename(os.fsencode(bad.name), named, src_dir_fd=spool, dst_dir_fd=aside)


def remove(directory: Path, spooled: Spooled) -> None:
    """Take a file away that has become an event. One that cannot be removed is known to the log, and left alone."""
    with suppress(OSError):
        (directory / f"{spooled.uuid}.json").unlink()


def _look(spool: int) -> Spool:
    waiting: list[Spooled] = []
    refused: list[Refused] = []
    for name in _first(os.listdir(spool)):
        try:
            waiting.append(_one(spool, name))
        except _RefusedError as error:
            refused.append(Refused(name=name, reason=str(error)))
        except FileNotFoundError:
            continue
    waiting.sort(key=lambda file: (file.at, file.uuid))
    return Spool(waiting=tuple(waiting), refused=tuple(refused))


def _first(names: list[str]) -> list[str]:
    """Return the names to look at: ours first, so that no rubbish keeps a command waiting."""
    shown = sorted(name for name in names if not name.startswith(".") and name != REFUSED)
    ours = [name for name in shown if NAME.fullmatch(name)]
    others = [name for name in shown if not NAME.fullmatch(name)]
    return ours[:MOST] + others[:MOST]


def _one(spool: int, name: str) -> Spooled:
    """Read one file, or say in one word what is wrong with it."""
    if not NAME.fullmatch(name):
        raise _RefusedError("name")
    status = os.stat(name, dir_fd=spool, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise _RefusedError("not-regular")
    uid, content = _content(spool, name)
    fault = fault_in(content)
    if fault:
        raise _RefusedError(fault)
    body = content.decode()
    return Spooled(uuid=name.removesuffix(".json"), at=_stated(json.loads(body)), uid=uid, body=body)


def _content(spool: int, name: str) -> tuple[int, bytes]:
    """Return the owner and the bytes, at most one more than allowed."""
    try:
        handle = os.open(name, READ, dir_fd=spool)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _RefusedError("unreadable") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedError("not-regular")
        return status.st_uid, os.read(handle, LARGEST + 1)
    finally:
        os.close(handle)


def fault_in(content: bytes) -> str:
    """Return what is wrong with a body, as one word, or nothing."""
    if len(content) > LARGEST:
        return "too-large"
    try:
        body = json.loads(content.decode())
    except (ValueError, RecursionError):
        return "not-json"
    try:
        _stated(body)
    except (TypeError, KeyError, ValueError, OverflowError):
        return "no-time"
    return ""


def _stated(body: Any) -> datetime:
    """Return the time a body states (UTC). One that states none, or none with a zone, is an error of some kind."""
    at = datetime.fromisoformat(body["at"])
    if at.tzinfo is None or at.year < EARLIEST:
        raise ValueError(f"cannot use a time without a zone, or before {EARLIEST}")
    return at.astimezone(UTC)
