"""The one door for text from outside: secrets are replaced before anything is stored, shown or sent."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from bisect import bisect_right
from typing import TYPE_CHECKING
from urllib.parse import quote

import re2

from opsagent.redact.rule import options
from opsagent.redact.rules import GATE, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Shorter ones would black out ordinary words everywhere.
SHORTEST_OWN = 4
_MARK = re2.compile(rb"\[redacted:[a-z-]+:\d+:[0-9a-f]{4}\]", options())
# A secret that was wrapped at the edge of a terminal is still a secret.
_WRAP = rb"(?:\\?\r?\n[ \t]*)?"


class Redactor:
    """Replaces secrets by `[redacted:KIND:LENGTH:HASH]`, in time linear in the text.

    KIND is the rule that found it, LENGTH its bytes, HASH four digits that are the same for the same secret, made
    with a key of this redactor's own, so that nobody can try guesses on them. The value itself is never kept.
    """

    def __init__(self, own_secrets: Iterable[str] = (), *, key: bytes | None = None) -> None:
        """`own_secrets` are our credentials, found literally; `key` keeps hashes the same over restarts."""
        self._key = key or os.urandom(16)
        forms = {form for secret in own_secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        pattern = b"|".join(_WRAP.join(map(re2.escape, _characters(form))) for form in longest_first)
        self._own = re2.compile(pattern, options()) if forms else None

    def redact(self, text: str) -> str:
        """Return the text without its secrets; a text of marks alone comes back as it is.

        Bytes that are no UTF-8, of a file's name for example, are written out: no log and no file could take them.
        """
        raw = text.encode("utf-8", "backslashreplace")
        spans = list(_merged(sorted(self._spans(raw))))
        if not spans:
            return raw.decode()
        parts, at = [], 0
        for start, end, kind in spans:
            parts += [raw[at:start], self._mark(kind, raw[start:end])]
            at = end
        return b"".join([*parts, raw[at:]]).decode("utf-8", "replace")

    def _spans(self, raw: bytes) -> Iterator[tuple[int, int, str]]:
        if self._own is not None:
            yield from ((*found.span(), "own") for found in self._own.finditer(raw))
        if GATE.search(raw) is None:
            return
        small = raw.lower()
        marks = [found.span() for found in _MARK.finditer(raw)]
        for rule in RULES:
            for start, end in rule.spans(raw, small):
                if start < end and not _is_mark(marks, start, end):
                    yield start, end, rule.kind

    def _mark(self, kind: str, secret: bytes) -> bytes:
        digest = hashlib.blake2s(secret, key=self._key, digest_size=2).hexdigest()
        return f"[redacted:{kind}:{len(secret)}:{digest}]".encode()


def redact(text: str) -> str:
    """Redact with the general rules alone, where no own credentials are known."""
    return _GENERAL.redact(text)


_GENERAL = Redactor()


def _is_mark(marks: list[tuple[int, int]], start: int, end: int) -> bool:
    """Tell whether a find is a mark of ours, or began inside one: "password:" stands in our marks too."""
    before = bisect_right(marks, (start, end)) - 1
    return before >= 0 and (marks[before] == (start, end) or marks[before][0] < start < marks[before][1])


def _forms(secret: str) -> set[bytes]:
    """Return how a secret may be spelled: as it is, percent-encoded, inside JSON, in a Basic header."""
    if len(secret) < SHORTEST_OWN:
        return set()
    raw = secret.encode("utf-8", "surrogatepass")
    spelled = {raw, quote(raw, safe="").encode(), json.dumps(secret)[1:-1].encode()}
    return spelled | {base64.b64encode(raw).rstrip(b"=")}


def _characters(form: bytes) -> list[bytes]:
    return [form[at : at + 1] for at in range(len(form))]


def _merged(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Join spans that overlap; the first one names the kind."""
    current: tuple[int, int, str] | None = None
    for start, end, kind in spans:
        if current is not None and start < current[1]:
            current = (current[0], max(end, current[1]), current[2])
            continue
        if current is not None:
            yield current
        current = (start, end, kind)
    if current is not None:
        yield current
