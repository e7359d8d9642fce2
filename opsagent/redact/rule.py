"""One family of secrets: how it is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from collections.abc import Iterator

# How far a value that must end in a sign of its own (the @ of a URL) is looked for.
_WINDOW = 256


def options() -> Any:
    """Return how every pattern here is compiled: bytes, and no complaints of the library on stderr."""
    chosen = re2.Options()
    chosen.log_errors = False
    chosen.encoding = re2.Options.Encoding.LATIN1
    return chosen


_QUOTES = frozenset(b"\"'`")
_BACKSLASH = ord("\\")


@dataclass(frozen=True, slots=True)
class Rule:
    """One family of secrets.

    Text that holds none of `hints` (in small letters) is not searched at all; no hints: always. `lead` finds what
    stands before the secret (or, without `value`, the secret itself); `value` then matches the secret where the lead
    ends, the last `tail` bytes of it not being secret. `not_after`: leads whose value is no secret.
    """

    kind: str
    hints: tuple[bytes, ...]
    lead: Any
    value: Any = None
    tail: int = 0
    not_after: Any = None

    def spans(self, raw: bytes, small: bytes) -> Iterator[tuple[int, int]]:
        """Yield where the secrets of this family stand in `raw`; `small` is the same in small letters."""
        if self.hints and not any(hint in small for hint in self.hints):
            return
        if self.value is None:
            yield from (found.span() for found in self.lead.finditer(raw))
            return
        done = 0
        for found in self.lead.finditer(raw):
            if found.end() < done or (self.not_after is not None and self.not_after.search(found.group())):
                continue
            if (value := self._after(raw, found.end())) is not None:
                yield value
                # What begins inside a bare value ends with it; to follow each would take the square of the time.
                done = value[1] if value[0] == found.end() and not self.tail else done

    def _after(self, raw: bytes, start: int) -> tuple[int, int] | None:
        until = min(len(raw), start + _WINDOW) if self.tail else len(raw)
        value = self.value.match(raw, start, until)
        return None if value is None else _unquoted(raw, start, value.end() - self.tail)


def _unquoted(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Leave the quotes around a value where they are, so that JSON stays JSON."""
    first = start
    while first < end and raw[first] == _BACKSLASH:
        first += 1
    if first < end and raw[first] in _QUOTES:
        start = first + 1
    if start < end and raw[end - 1] in _QUOTES:
        end -= 1
        while start < end and raw[end - 1] == _BACKSLASH:
            end -= 1
    return start, end


def family(
    kind: str, hints: str, lead: bytes, value: bytes | None = None, *, tail: int = 0, not_after: bytes | None = None
) -> Rule:
    """Compile one family; `hints` are words between spaces."""
    patterns = [None if text is None else re2.compile(text, options()) for text in (lead, value, not_after)]
    return Rule(kind, tuple(hints.encode().split()), patterns[0], patterns[1], tail, patterns[2])
