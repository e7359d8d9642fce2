"""The marks around our part of a pattern file; the first says what we wrote that a person may have changed since."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

END = "<!-- /opsagent:seen -->"
_COUNTER = re.compile(r"\s+(?:tried|worked|last|median_seconds):[^#]*")
"""A line of a remedy that we renew whoever wrote the rest; one with a person's note is more than that."""
_BEGIN = re.compile(r"^<!-- opsagent:seen ([0-9a-f]{12}) -->[ \t]*\r?$", re.MULTILINE)
_ENDS = ("---", "...")
_MEANT = ("match", "remedies")


def parted(text: str) -> tuple[list[str], str] | None:
    """Return the lines of a file's front matter, and all from the line that ends it; None where it has none."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() in _ENDS), 0)
    if not end or lines[0].rstrip() != "---":
        return None
    return lines[1:end], "".join(lines[end:])


def place_of(front: Sequence[str], key: str) -> range:
    """Return the places of the lines that a key of the front matter and its value take; none where it is not.

    Empty lines and comments between them are among them.
    """
    begin = next((number for number, line in enumerate(front) if line.startswith(f"{key}:")), None)
    if begin is None:
        return range(0)
    end = begin + 1
    for number, line in enumerate(front[begin + 1 :], start=begin + 2):
        if line[:1] in (" ", "\t", "-") and line.strip():
            end = number
        elif line.strip() and line[0] != "#":
            break
    return range(begin, end)


def begin(front: Sequence[str]) -> str:
    """Return the line before our part of a file with this front matter."""
    return f"<!-- opsagent:seen {_digest(front)} -->"


def is_ours(front: Sequence[str], rest: str) -> bool:
    """Whether the match and the remedies of a file are still as we wrote them."""
    found = _BEGIN.search(rest)
    return found is not None and found[1] == _digest(front)


def line_of(rest: str) -> str:
    """Return the line before our part as it is, "" where there is none."""
    found = _BEGIN.search(rest)
    return found[0].rstrip() if found is not None else ""


def replaced(rest: str, part: str) -> str:
    """Return a text with our part renewed. Where its marks are gone a person took them away: then it stays away."""
    found = _BEGIN.search(rest)
    end = rest.find(END, found.end()) if found is not None else -1
    return rest if found is None or end < 0 else rest[: found.start()] + part + rest[end + len(END) :]


def _digest(front: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(_meant(front)).encode(errors="replace")).hexdigest()[:12]


def _meant(front: Sequence[str]) -> Iterator[str]:
    for key in _MEANT:
        for number in place_of(front, key):
            line = front[number].rstrip()
            if not _COUNTER.fullmatch(line):
                yield line
