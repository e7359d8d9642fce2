"""What a watched file was like at one moment, and how it differs later. Nothing unredacted is kept or returned."""

from __future__ import annotations

import difflib
import glob
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from opsagent.core.change import MOST_DIFF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_FILES = 500
LONGEST_TEXT = 64 * 1024
"""Bytes of a file of which a difference is shown; of a longer one only its hash is compared."""
LARGEST = 16 * 1024 * 1024
"""Bytes of a file that are hashed; of a larger one only time and size are compared."""
LONGEST_LINE = 300
_MOST_NAMES = 20_000
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# The hash in a mark of the redaction has a key of its own in each run, so it would look like a change.
_MARK = re.compile(r"(\[redacted:[a-z-]+):\d+:[0-9a-f]{4}\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """A file as it was: `stamp` changes with its inode, `digest` with its content, `text` is what may be shown of it.

    `closed` says why it cannot be read: then only time and size tell that it changed.
    """

    stamp: str
    digest: str = ""
    text: str = ""
    closed: str = ""


def matches(pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern names, `**` for any depth; what is no file is left out, links are followed."""
    if not glob.has_magic(pattern):
        yield pattern
        return
    found = islice(glob.iglob(pattern, recursive=True), _MOST_NAMES)  # noqa: PTH207 - texts, thousands of them
    yield from islice((path for path in sorted(found) if os.path.isfile(path)), MOST_FILES)  # noqa: PTH113 - as above


def taken(path: str, known: Print | None, redact: Callable[[str], str]) -> Print | None:
    """Return the print of a file, the known one if its inode has not changed, None when there is no file."""
    try:
        about = os.stat(path)  # noqa: PTH116 - on every watched file every few seconds
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    stamp = f"{about.st_dev}:{about.st_ino}:{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"
    if known is not None and known.stamp == stamp:
        return known
    if about.st_size > LARGEST:
        return Print(stamp=stamp, closed=f"larger than {LARGEST // 2**20} MiB")
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            content = file.read(LARGEST)
    except OSError as error:
        return Print(stamp=stamp, closed=error.strerror or "unreadable")
    return Print(stamp=stamp, digest=hashlib.sha256(content).hexdigest(), text=_text(content, redact))


def _text(content: bytes, redact: Callable[[str], str]) -> str:
    if len(content) > LONGEST_TEXT or b"\0" in content:
        return ""
    return _MARK.sub(r"\1]", redact(content.decode(errors="replace")))


def changed_at(path: str) -> datetime | None:
    """Return when the inode last changed (UTC): a file that was put in the place of another may have an old mtime."""
    try:
        return datetime.fromtimestamp(os.stat(path).st_ctime, UTC)  # noqa: PTH116 - as above
    except OSError:
        return None


def same(before: Print, after: Print) -> bool:
    """Whether the content is the same, as far as it can be read; a mere touch changes nothing."""
    if before.digest and after.digest:
        return before.digest == after.digest
    return _size_and_time(before) == _size_and_time(after)


def _size_and_time(one: Print) -> list[str]:
    return one.stamp.split(":")[2:4]


def difference(before: Print | None, after: Print | None) -> tuple[str, tuple[str, ...]]:
    """Return in words how a file changed, and a unified difference of what may be shown of it."""
    if after is None:
        return "removed", ()
    if before is None:
        return "created", ()
    if after.closed:
        return f"changed, told by time and size alone ({after.closed})", ()
    if not (before.text and after.text):
        return "changed", ()
    found = list(difflib.unified_diff(before.text.splitlines(), after.text.splitlines(), n=2, lineterm=""))[2:]
    if not found:
        return "changed only in what is secret, or in its line ends", ()
    added, removed = (sum(line.startswith(sign) for line in found) for sign in "+-")
    more = (f"… and {len(found) - MOST_DIFF + 1} lines more",) if len(found) > MOST_DIFF else ()
    shown = found if not more else found[: MOST_DIFF - 1]
    return f"changed: {added} added, {removed} removed", (*(line[:LONGEST_LINE] for line in shown), *more)
