"""What people left to be done: open items of a task list in a record of the memory, and tickets nobody has closed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 20
_LONGEST = 160
_ITEM = re.compile(r"\s{0,8}[-*+] \[ \]\s+(\S.*)")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_TITLE = re.compile(r"## (\S.*)")
_STATUS = re.compile(r"- \*\*Status\*\*:\s*open\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to be done: its text, the file below the memory that says so, and the incident of that file if any."""

    text: str
    where: str
    incident: str = ""


def items(text: str) -> tuple[str, ...]:
    """Return the first twenty open items (`- [ ] …`) of a Markdown text, outside of its fences."""
    return tuple(found for line in _outside(text) if (item := _ITEM.match(line)) and (found := _cut(item[1])))[:MOST]


def tickets(text: str) -> tuple[str, ...]:
    """Return what the tickets in a file are about whose status still is open."""
    found, title = [], "a ticket"
    for line in _outside(text):
        if heading := _TITLE.match(line):
            title = heading[1]
        elif _STATUS.match(line):
            found.append(_cut(f"ticket: {title}"))
    return tuple(found[:MOST])


def _outside(text: str) -> Iterator[str]:
    """Yield the lines that are not fenced: what a program said is nobody's task."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence:
            yield line


def _cut(text: str) -> str:
    return visible(text.strip(), _LONGEST)
