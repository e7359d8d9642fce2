"""Entries of a failure archive as people and agents write them, in any of three forms; ours are marked as such."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 200
LONGEST_TITLE, LONGEST_SAID = 160, 300
_BEGIN = re.compile(r"(?:## (?:Failure|Pattern):|Failure:)\s*(?P<title>\S.*)")
_DATE = re.compile(r"\s+[-–—]\s+\d{4}-\d\d-\d\d\s*$")  # noqa: RUF001 - people write all three
_END = re.compile(r"#{1,2} |---\s*$|<!-- /opsagent:pattern ")
_OURS = "<!-- opsagent:pattern "
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_BOLD = re.compile(r"\s*(?:[-*+]\s+)?\*\*(?P<name>[^*]{1,40})\*\*:?\s*(?P<said>.*)")
_PLAIN = re.compile(r"(?P<name>Symptom|Cause|Resolution|Detected):\s*(?P<said>.*)")
_NAMES = {
    "symptom": "symptom",
    "cause": "cause",
    "root cause": "cause",
    "resolution": "resolution",
    "correct solution": "resolution",
    "solution": "resolution",
    "fix": "resolution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One failure that is described in a list: `where` is the file below the memory, `line` where it begins.

    What it does not say is "". `ours`: we wrote it, and keep it up.
    """

    where: str
    line: int
    title: str
    symptom: str = ""
    cause: str = ""
    resolution: str = ""
    ours: bool = False


@dataclass(slots=True)
class _Part:
    line: int
    title: str
    ours: bool
    lines: list[tuple[bool, str]] = field(default_factory=list)


def entries(where: str, text: str) -> tuple[tuple[Entry, str], ...]:
    """Return the entries of a file, each with all that it says, in their order; the first two hundred.

    `## Failure: …` with items, four lines from `Failure: …` on, or `## Pattern: …` with bold words before its parts.
    """
    return tuple((_entry(where, one), "\n".join(line for _, line in one.lines)) for one in _parts(text)[:MOST])


def _parts(text: str) -> list[_Part]:
    found: list[_Part] = []
    is_open, before = False, ""
    for number, (is_code, line) in enumerate(_marked(text.splitlines()), start=1):
        if not is_code and (begin := _BEGIN.match(line)):
            found.append(_Part(number, begin["title"], before.startswith(_OURS)))
            is_open = True
        elif not is_code and _END.match(line):
            is_open = False
        if is_open:
            found[-1].lines.append((is_code, line))
        before = line
    return found


def _marked(lines: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """Yield each line with whether it is in a fence: what a program said begins and ends nothing."""
    is_code = False
    for line in lines:
        is_fence = _FENCE.match(line) is not None
        yield is_code or is_fence, line
        is_code = is_code is not is_fence


def _entry(where: str, part: _Part) -> Entry:
    said: dict[str, list[str]] = {}
    name = ""
    for is_code, line in part.lines[1:]:
        found = None if is_code else _BOLD.match(line) or _PLAIN.match(line)
        if found:
            name = _NAMES.get(found["name"].strip(" :").casefold(), "")
        if not _FENCE.match(line):
            said.setdefault(name, []).append(found["said"] if found else line)
    fields = {key: visible(" ".join(" ".join(lines).split()), LONGEST_SAID) for key, lines in said.items() if key}
    title = visible(_DATE.sub("", part.title).strip(), LONGEST_TITLE)
    return Entry(where=where, line=part.line, title=title, ours=part.ours, **fields)
