"""A line without what varies: times, numbers, addresses and names of requests become `<n>` and the like."""

from __future__ import annotations

import json
from typing import Any

import re2

from opsagent.core.text import shortened

LONGEST = 300
_MOST_WORDS = 40
_TEXT_KEYS = ("message", "msg", "error", "event", "err", "exception")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


_DAY, _MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
# In this order: a time has numbers in it, and an address too.
_VARYING = tuple(
    (_compiled(pattern), mark)
    for pattern, mark in (
        (r"\[redacted:([a-z-]+):[0-9]+:[0-9a-f]{4}\]", r"[redacted:\1]"),
        (r"\b[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9:]{5,8}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?", "<time>"),
        (rf"\b(?:{_DAY},? )?[0-9]{{1,2}}[ /-]{_MONTH}[ /-][0-9]{{4}}[ :]{_CLOCK}(?: [+-][0-9]{{4}})?", "<time>"),
        (rf"(?:\b{_DAY} )?(?:\b{_MONTH} [ 0-3]?[0-9] )?\b{_CLOCK}(?: [0-9]{{4}})?\b", "<time>"),
        (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?\b", "<ip>"),
        (r"(?i)\b[0-9a-f]{1,4}:(?::|[0-9a-f]{1,4}:)[0-9a-f:]*[0-9a-f]\b", "<ip>"),
        (r"(?i)\b(?:0x)?[0-9a-f]*[0-9][0-9a-f]*\b", "<n>"),
        (r"[0-9]+", "<n>"),
        (r"<n>(?:[.,]<n>)+", "<n>"),
    )
)
# As the door for secrets writes it, so that it is known as done; without the length and hash of just this one.
_REDACTED = _compiled(r"\[redacted:([a-z-]+)\]")
# A line of a file begins with when it was written, and by which process: that says nothing of its kind.
_STAMP = _compiled(r"^(?:<n>:[MSCX] )?\[?<time>\]?(?: [A-Z]{3,4})?(?: \[<n>\])?[ :,]+")
_QUOTED = _compiled(r'"[^"]*"')
_VARIES = "/<0123456789"


def without_what_varies(line: str) -> str:
    """Return the first line of a message in words that are the same for every message of its kind."""
    text = _said(line)[: 2 * LONGEST]
    for pattern, mark in _VARYING:
        text = pattern.sub(mark, text)
    text = _QUOTED.sub(_quoted, _STAMP.sub("", text))
    text = _REDACTED.sub(r"[redacted:\1:0:0000]", text)
    return shortened(" ".join(text.split()[:_MOST_WORDS]), LONGEST)


def _quoted(found: Any) -> str:
    """What is quoted in a message is its reason, or the request that it is about: with figures it is the latter."""
    text = str(found.group())
    return '"<text>"' if any(sign in _VARIES for sign in text) else text


def _said(line: str) -> str:
    """Return what a line says: its first line, or of a JSON object the text in it."""
    if line.startswith("{"):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return line.partition("\n")[0]
        texts = (told.get(key) for key in _TEXT_KEYS)
        line = next((text for text in texts if isinstance(text, str) and text), line)
    return line.partition("\n")[0]
