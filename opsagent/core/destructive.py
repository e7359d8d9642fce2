"""Commands that destroy: whoever wants one of these run without a person is asked to think again."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from opsagent.core.denied import denied, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRAMS = (
    *("rm", "rmdir", "unlink", "shred", "srm", "dd", "wipefs", "blkdiscard", "truncate", "mkfs*", "mke2fs", "mkswap"),
    *("fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "lvremove", "vgremove", "pvremove", "dropdb"),
    *("dropuser", "userdel", "deluser"),
)
_WORDS = re.compile(
    r"\b(?:drop|truncate)\s+(?:table|database|schema|index|view|user|role|keyspace|collection)\b"
    r"|\bdropdatabase\b|\bdelete\s+from\b|\bflush(?:all|db)\b",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[\s;&|()`]+")
_HARMLESS_VERBS = frozenset({"status", "show", "cat", "is-active", "is-failed", "is-enabled", "list-units"})


def destructive(command: Sequence[str]) -> str:
    """Say why this command is never run by itself, "" when nothing is known against it."""
    found = _WORDS.search(" ".join(command))
    if found:
        return f"cannot run {found[0]!r} without a person: it destroys data"
    for word in _words(command):
        if any(fnmatchcase(word.rpartition("/")[2], pattern) for pattern in _PROGRAMS):
            return f"cannot run {word!r} without a person: it destroys data"
    return _on_denied_unit(command)


def _words(command: Sequence[str]) -> Iterator[str]:
    """Yield the program and every later word: what `env`, `docker exec` or `sh -c` runs stands there."""
    for part in command:
        yield from filter(None, _SEPARATORS.split(part))


def _on_denied_unit(command: Sequence[str]) -> str:
    words = [word for word in _words(command) if not word.startswith("-")]
    places = [place for place, word in enumerate(words) if word.rpartition("/")[2] in ("systemctl", "service")]
    for place in places:
        rest = words[place + 1 :]
        if rest and rest[0] not in _HARMLESS_VERBS:
            units = (word if "." in word else f"{word}.service" for word in rest)
            refused = (denied(unit) for unit in units if not malformed(unit))
            if why := next(filter(None, refused), ""):
                return why
    return ""
