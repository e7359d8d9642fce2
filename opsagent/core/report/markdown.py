"""Text from outside inside Markdown: it stays text. It never begins a block, a link, a tag or an emphasis."""

from __future__ import annotations

import re

from opsagent.core.text import visible

# Everything that could begin something in the middle of a line. A link or an image needs its `]`; `[]` alone is
# harmless and common in settings. `_` matters only where letters do not surround it.
_SPECIAL = re.compile(
    r"[\\`*<~$@]|\](?=[(\[:])|(?<!\[)\]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|&(?=[#0-9A-Za-z])|:(?=//)|(?<=www)\.",
    re.IGNORECASE,
)
_RUN = re.compile(r"`+")
_TICKS = 3


def inline(text: str, limit: int = 300) -> str:
    """Return one line of plain text for the middle of a line: specials escaped, invisible characters shown.

    It must not stand at the beginning of a line, where a `#` or a `1.` would still mean something.
    """
    return _SPECIAL.sub(r"\\\g<0>", visible(" ".join(text.split()), limit))


def cut(text: str, limit: int) -> str:
    """Return text of at most `limit` bytes of UTF-8, ending in … where it was cut."""
    raw = text.encode(errors="replace")
    return raw.decode() if len(raw) <= limit else raw[: limit - 3].decode(errors="ignore") + "…"


def code(text: str, limit: int = 300) -> str:
    """Return other people's words as a code span that they cannot leave."""
    shown = visible(" ".join(text.split()), limit) or " "
    ticks = "`" * (max((len(run) for run in _RUN.findall(shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def cell(text: str, limit: int = 300) -> str:
    """Return plain text for a cell of a table."""
    return inline(text, limit).replace("|", "\\|")


def fenced(lines: tuple[str, ...], limit: int = 500) -> str:
    """Return lines in a block whose fence is longer than any run of backticks in them. Comments are broken open,
    so that nothing in it looks like a mark of ours.
    """
    shown = [visible(line, limit).replace("<!--", "<! --") for line in lines]
    longest = max((len(run) for line in shown for run in _RUN.findall(line)), default=0)
    fence = "`" * max(_TICKS, longest + 1)
    return "\n".join([f"{fence}text", *shown, fence])
