"""Reading a playbook: people's Markdown as it comes. It gives sections or nothing, and never an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from opsagent.core.playbook.grammar import PROGRAMS
from opsagent.core.playbook.section import Runbook, Section, Step
from opsagent.core.text import visible

LARGEST = 64 * 1024
"""Bytes of a playbook; a longer one is none that anybody reads at night."""
MOST_SECTIONS, MOST_STEPS, MOST_NOTES = 100, 12, 4
LONGEST_TITLE, LONGEST_LINE = 120, 300
_LONGEST_READ = 1000
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{3,})[ \t]*")
_ITEM = re.compile(r"( *)(?:[-*+]|[0-9]{1,3}[.)])[ \t]+(.*)")
_FENCE = re.compile(r" *(`{3,}|~{3,})")
_BOX = re.compile(r"\[[ xX]\][ \t]+")
_SPAN = re.compile(r"(`{1,3})([^`]+)\1")
_CONDITION = re.compile(r"(?:if|when|unless|otherwise|else)\b", re.IGNORECASE)
_STATUS = re.compile(r"\*\*Status:?\*\*:?[ \t]*draft\b", re.IGNORECASE)
_FINGERPRINT = re.compile(r"\*\*Fingerprint:?\*\*:?[ \t]*(`+)[ \t]?([^`\n]{1,300}?)[ \t]?\1")


def sections(text: str) -> tuple[Section, ...]:
    """Return the sections that have steps, in the order of the file.

    A heading begins one; below the second level its parent's title is named before its own. Its steps are the items
    of its lists, numbered or not, and the lines of fenced code. What is indented below an item belongs to that item.
    """
    reading = _Reading()
    for line in _without_comments(text[:LARGEST]).splitlines():
        reading.take(line[:_LONGEST_READ].expandtabs(4))
    return reading.done()


def runbook(name: str, text: str) -> Runbook:
    """Return what a runbook says of itself."""
    title = next((found[2] for line in text.splitlines() if (found := _HEADING.fullmatch(line[:_LONGEST_READ]))), "")
    named = _FINGERPRINT.search(text)
    return Runbook(
        name=visible(name, LONGEST_TITLE),
        title=_plain(title, LONGEST_TITLE),
        fingerprint=named[2] if named else "",
        is_draft=_STATUS.search(text) is not None,
    )


def command_in(text: str) -> str:
    """Return the command that an item names: in backticks, or the item itself, or what stands behind a colon."""
    spans = [found[2].strip().removeprefix("$ ") for found in _SPAN.finditer(text)]
    if spans:
        return next(filter(_is_known, spans), spans[0])
    return next(filter(_is_known, (text.strip(), text.partition(": ")[2].strip())), "")


def _without_comments(text: str) -> str:
    """What is not shown is not read. An expression would try each of a thousand openings up to the end."""
    kept, at = "", 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        kept, at = kept + text[at:begin], end + 3
    return kept + text[at:]


def _is_known(text: str) -> bool:
    words = text.removeprefix("$ ").removeprefix("sudo ").split(maxsplit=1)
    return bool(words) and words[0].rpartition("/")[2] in PROGRAMS


@dataclass(slots=True)
class _Item:
    """A step under way. `indent` is that of its list item."""

    text: str
    indent: int = 0
    command: str = ""
    notes: list[str] = field(default_factory=list)


class _Reading:
    """What was read so far, line by line."""

    def __init__(self) -> None:
        self._found: list[tuple[str, list[_Item]]] = []
        self._parent = ""
        self._fence = ""
        self._before = ""

    def take(self, line: str) -> None:
        """Read one line."""
        fence = _FENCE.match(line)
        if self._fence:
            self._of_code(line, fence)
        elif fence:
            self._fence = fence[1]
        elif heading := _HEADING.fullmatch(line):
            self._open(len(heading[1]), heading[2].rstrip("# \t"))
        elif self._before and (under := _UNDERLINE.fullmatch(line)):
            self._open(1 if under[1][0] == "=" else 2, self._before)
        elif item := _ITEM.fullmatch(line):
            self._item(len(item[1]), _BOX.sub("", item[2], count=1).strip())
        elif line.startswith("  ") and line.strip():
            self._below(line.strip())
        else:
            self._before = line.strip()
            return
        self._before = ""

    def done(self) -> tuple[Section, ...]:
        """Return the sections that have steps."""
        made = ((title, tuple(map(_step, filter(_says_something, items)))) for title, items in self._found)
        return tuple(Section(title=title, steps=steps[:MOST_STEPS]) for title, steps in made if steps)[:MOST_SECTIONS]

    def _open(self, level: int, title: str) -> None:
        title = _plain(title, LONGEST_TITLE)
        above = f"{self._parent}: " if level > 2 and self._parent else ""  # noqa: PLR2004 - of Markdown
        self._parent = title if level == 2 else self._parent if above else ""  # noqa: PLR2004 - as above
        self._found.append((visible(f"{above}{title}", LONGEST_TITLE), []))

    def _of_code(self, line: str, fence: re.Match[str] | None) -> None:
        if fence and fence[1].startswith(self._fence) and not line[fence.end() :].strip():
            self._fence = ""
            return
        command = line.strip().removeprefix("$ ")
        if self._found and command and not command.startswith("#"):
            items = self._found[-1][1]
            if items and not items[-1].command:
                items[-1].command = command
            else:
                items.append(_Item(text=command, command=command))

    def _item(self, indent: int, text: str) -> None:
        if not self._found:
            return
        items = self._found[-1][1]
        if items and indent > items[-1].indent:
            self._below(text)
        else:
            items.append(_Item(text=text, indent=indent, command=command_in(text)))

    def _below(self, text: str) -> None:
        if not self._found or not self._found[-1][1]:
            return
        above = self._found[-1][1][-1]
        command = "" if _CONDITION.match(text) or above.command else command_in(text)
        above.command = above.command or command
        if not command:
            above.notes.append(text)


def _says_something(item: _Item) -> bool:
    return bool(item.text or item.command)


def _step(item: _Item) -> Step:
    command = visible(item.command, LONGEST_LINE)
    notes = tuple(_plain(note, LONGEST_LINE) for note in item.notes[:MOST_NOTES])
    return Step(text=_plain(item.text, LONGEST_LINE) or command, command=command, notes=notes)


def _plain(text: str, limit: int) -> str:
    return visible(" ".join(text.replace("**", "").split()), limit)
