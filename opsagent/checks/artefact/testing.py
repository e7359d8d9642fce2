"""Whether a backup is whole: by the sums in its format, by the checksum file beside it, by its last line.

Nothing is unpacked to a disk and nothing is changed; a database is opened as one that nobody writes to.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import re
import sqlite3
import stat
import tarfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from opsagent.core.text import visible
from opsagent.host import process

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1 << 20
_TAIL = 64 * 1024
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, ValueError)
_ENCRYPTED = 0x1
_ZSTD = ("/usr/bin/zstd", "-tqq", "--")
_SUMS = {".sha256": "sha256", ".sha512": "sha512", ".sha1": "sha1", ".md5": "md5"}
_LISTS = {"SHA256SUMS": "sha256", "sha256sums.txt": "sha256", "SHA512SUMS": "sha512", "MD5SUMS": "md5"}
_DUMPS = (
    (b"-- PostgreSQL database", b"dump complete"),
    (b"-- MySQL dump", b"-- Dump completed"),
    (b"-- MariaDB dump", b"-- Dump completed"),
)
_PACKED: tuple[tuple[bytes, str, Callable[[str], Any]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\0", "xz", lzma.open),
)


class TooLongError(Exception):
    """There was no time to read all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a test found: `fault` is "" when it is whole, `how` says what was looked at."""

    fault: str = ""
    how: str = ""


def test(path: str, within: timedelta) -> Tested:
    """Read a file to its end and say whether it is whole. TooLongError, or OSError when it cannot be read at all."""
    until = time.monotonic() + within.total_seconds()
    with open(path, "rb") as stream:  # noqa: PTH123 - the name is text, as the settings have it
        begin = stream.read(512)
    found = _by_format(path, begin, until)
    return found if found.fault else _by_sum(path, found, until)


test.__test__ = False  # type: ignore[attr-defined]  # the verb of this file, and no test of pytest's


def _by_format(path: str, begin: bytes, until: float) -> Tested:
    if begin.startswith(b"SQLite format 3\0"):
        return Tested(fault=_sqlite(path, until), how="integrity_check")
    if begin.startswith(b"(\xb5/\xfd"):
        return _zstd(path, until)
    if begin.startswith(b"PK\x03\x04"):
        return _read_to_the_end(partial(_zip, path, until), "zip")
    for magic, name, opened in _PACKED:
        if begin.startswith(magic):
            return _read_to_the_end(partial(_packed, opened, path, until), name)
    if begin[257:262] == b"ustar":
        return _read_to_the_end(partial(_packed, open, path, until), "tar")
    return _dump(path, begin)


def _read_to_the_end(read: Callable[[], None], how: str) -> Tested:
    try:
        read()
    except _BROKEN as error:
        return Tested(fault=f"{how} is broken: {visible(str(error), 120) or type(error).__name__}", how=how)
    return Tested(how=how)


def _packed(opened: Callable[..., Any], path: str, until: float) -> None:
    """Read all of it; what is a tar inside must be one to its end, and a dump of a database too."""
    with opened(path, "rb") as stream:
        begin = stream.read(512)
        tail = begin
        if begin[257:262] == b"ustar":
            stream.seek(0)
            _tar(stream, until)
        while chunk := stream.read(CHUNK):
            tail = (tail + chunk)[-_TAIL:]
            _in_time(until)
    if fault := _torn_dump(begin, tail):
        raise ValueError(fault)


def _tar(stream: IO[bytes], until: float) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for _ in archive:
            _in_time(until)
            archive.members.clear()  # type: ignore[attr-defined]  # else each of a million names is kept


def _zip(path: str, until: float) -> None:
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            if one.flag_bits & _ENCRYPTED:
                continue  # only whoever has the password can tell
            with contextlib.suppress(NotImplementedError), archive.open(one) as stream:
                while stream.read(CHUNK):
                    _in_time(until)


def _zstd(path: str, until: float) -> Tested:
    left = timedelta(seconds=max(0.1, until - time.monotonic()))
    try:
        done = process.run([*_ZSTD, path], timeout=left)
    except process.CannotRunError:
        return Tested(how="not tested, the package zstd is missing")
    if done.timed_out:
        raise TooLongError
    return Tested(fault="" if done.code == 0 else "zstd is broken", how="zstd")


def _sqlite(path: str, until: float) -> str:
    with contextlib.closing(sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)) as database:
        database.set_progress_handler(lambda: time.monotonic() > until, 100_000)
        try:
            said = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TooLongError from None
            said = str(error)
        except sqlite3.DatabaseError as error:
            said = str(error)
    return "" if said == "ok" else f"integrity_check: {visible(said, 200)}"


def _dump(path: str, begin: bytes) -> Tested:
    with open(path, "rb") as stream:  # noqa: PTH123 - as above
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - _TAIL))
        fault = _torn_dump(begin, stream.read())
    return Tested(fault=fault, how="its last line" if any(first in begin for first, _ in _DUMPS) else "")


def _torn_dump(begin: bytes, tail: bytes) -> str:
    """A dump of a database that was cut off looks well until it is needed: it must have its last line."""
    for first, last in _DUMPS:
        if first in begin and last not in tail:
            return "the dump has no end: it was cut off"
    return ""


def _by_sum(path: str, found: Tested, until: float) -> Tested:
    told = _told_sum(Path(path))
    if told is None:
        return found
    algorithm, expected, where = told
    if _hashed(path, algorithm, until) != expected:
        return Tested(fault=f"does not fit its checksum in {where}", how=algorithm)
    return Tested(how=", ".join(filter(None, (found.how, algorithm))))


def _told_sum(path: Path) -> tuple[str, str, str] | None:
    """Return the algorithm, the sum and the file that says it, if one beside it does."""
    beside = [(path.with_name(path.name + suffix), name, True) for suffix, name in _SUMS.items()]
    beside += [(path.with_name(name), algorithm, False) for name, algorithm in _LISTS.items()]
    for file, algorithm, alone in beside:
        try:
            text = _beginning(file)
        except OSError:
            continue
        for line in text.splitlines():
            match = re.fullmatch(r"([0-9a-fA-F]{32,128})(?:[ \t]+[*]?(.*))?", line.strip())
            if match and (alone or Path(match[2] or "").name == path.name):
                return algorithm, match[1].lower(), file.name
    return None


def _beginning(file: Path) -> str:
    """Read as much as a list of sums has; a pipe would keep us waiting, and of a disk's image there is no end."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, errors="replace") as stream:
        return stream.read(CHUNK) if stat.S_ISREG(os.fstat(handle).st_mode) else ""


def _hashed(path: str, algorithm: str, until: float) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as stream:  # noqa: PTH123 - as above
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            _in_time(until)
    return digest.hexdigest()


def _in_time(until: float) -> None:
    if time.monotonic() > until:
        raise TooLongError
