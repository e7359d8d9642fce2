"""Text from outside, made safe to show: cut, and with every invisible or controlling character made visible."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and marks that draw nothing: a line padded with them reads as another line.
_BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0000, 0xE1000))


def visible(text: str, limit: int = 500) -> str:
    r"""Return one line of at most `limit` characters, with control and format characters written as `\x1b`.

    Covers C0 and C1, line breaks, bidirectional overrides, zero-width and tag characters, lone surrogates
    (undecodable bytes). A tab stays. Linear in `limit`, whatever the length of the text.
    """
    head = text[: limit + 1]
    if not (head.isascii() and head.isprintable()):
        head = "".join(map(_shown, head))
    return head if len(head) <= limit else head[: limit - 1] + "…"


def _shown(char: str) -> str:
    if char == "\t" or " " <= char <= "~":
        return char
    code = ord(char)
    hidden = unicodedata.category(char) in _HIDDEN or code in _BLANK or any(code in span for span in _SELECTORS)
    if not hidden:
        return char
    if char <= "\xff":
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if char <= "\uffff" else f"\\U{code:08x}"


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters, cut between two words: half a mark of a secret would look like a secret."""
    return text if len(text) <= limit else f"{text[: limit - 1].rpartition(' ')[0]} …"


def readable(raw: bytes) -> tuple[str, ...]:
    """Return the lines of what a program said that are text, not the empty ones; of the rest how many bytes it was.

    Where some of it is no text, a line must be wholly legible to count as one, and long enough not to be chance.
    """
    lines = raw.splitlines()
    told = [(line, line.decode(errors="replace")) for line in lines]
    if all(_unreadable(text) * _MOST_UNREADABLE <= len(text) for _, text in told):
        return tuple(text for _, text in told if text.strip())
    found: list[str | int] = []
    for line, text in told:
        if len(text) >= _LEAST_TEXT and not _unreadable(text):
            found.append(text)
        elif found and isinstance(found[-1], int):
            found[-1] += len(line)
        else:
            found.append(len(line))
    return tuple(one if isinstance(one, str) else f"{one} bytes that are not text" for one in found if one)


_MOST_UNREADABLE = 5
"""A line of which more than a fifth cannot be read is no text; fewer are words in another encoding."""
_LEAST_TEXT = 8
_HARMLESS = "\t\x1b\b\f"  # what terminals are told: colours, progress


def _unreadable(text: str) -> int:
    if text.isprintable() and text.isascii():
        return 0
    return sum(char == "\N{REPLACEMENT CHARACTER}" or (char < " " and char not in _HARMLESS) for char in text)


def some(names: Iterable[str], most: int = 5) -> str:
    """Return names in one line, the first ones; the rest is counted: `a, b and 84 more`."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
