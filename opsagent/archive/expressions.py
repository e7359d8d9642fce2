"""Expressions of the archive over other people's lines: RE2, with little memory each and a bounded time in all."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import re2

from opsagent.core.archive.pattern import Said
from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST = 500
MOST_MEMORY = 256 * 1024
"""Bytes that one may take: enough for any that a person writes; what needs more is slow to compare too."""
WITHIN, EACH = 0.1, 0.02
"""Seconds for all of them together, and for one; an ordinary one takes half a thousandth for 250 lines."""
_SHOWN = 60


def refusal(expression: str) -> str:
    """Return why an expression cannot be used, "" when it can."""
    if len(expression) > LONGEST:
        return f"cannot use an expression of {len(expression)} characters, allowed: up to {LONGEST}"
    try:
        _compiled(expression)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        shown = visible(expression, _SHOWN)
        return f"cannot use the expression '{shown}' ({visible(why, 200)}), allowed: the syntax of RE2"
    return ""


def said(expressions: Iterable[str], lines: Sequence[str]) -> tuple[Said, ...]:
    """Return for each expression the last line in which it is found. What cannot be compared in time is not found."""
    raw = [line.encode(errors="replace") for line in reversed(lines)]
    ends = time.monotonic() + WITHIN
    return tuple(_said(dict.fromkeys(expressions), lines, raw, ends))


def _said(expressions: Iterable[str], lines: Sequence[str], raw: list[bytes], ends: float) -> Iterator[Said]:
    for expression in expressions:
        if time.monotonic() >= ends:
            return
        found = _found(expression, raw, min(ends, time.monotonic() + EACH))
        if found is not None:
            yield Said(expression=expression, line=lines[len(lines) - 1 - found])


def _found(expression: str, raw: list[bytes], ends: float) -> int | None:
    try:
        search = _compiled(expression).search
    except re2.error:
        return None
    for number, line in enumerate(raw):
        if search(line):
            return number
        if time.monotonic() >= ends:
            return None
    return None


@lru_cache(maxsize=128)
def _compiled(expression: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    return re2.compile(expression.encode(errors="replace"), options)
