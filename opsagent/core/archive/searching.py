"""Full text over the failure archive: its pattern files, and the entries that people and agents keep beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WORD = re.compile(r"\w+")
_IN_TITLE = 10
_MOST = 5
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Something that can be found: where it stands (a file below the memory and a line), its title, all its words."""

    where: str
    line: int
    title: str
    text: str
    slug: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What was found, with the line of it that says most of what was asked."""

    text: Text
    score: int
    excerpt: str


def search(texts: Iterable[Text], asked: str) -> tuple[Hit, ...]:
    """Return the texts in which these words stand, best first. Where none has all of them, those that have some."""
    words = tuple(dict.fromkeys(_WORD.findall(asked.casefold())))
    counted = [(sum(word in _folded(one) for word in words), one) for one in texts]
    most = max((count for count, _ in counted), default=0)
    hits = (_hit(one, words) for count, one in counted if count and count == most)
    return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.text.where, hit.text.line)))


def _folded(one: Text) -> str:
    return f"{one.slug}\n{one.title}\n{one.text}".casefold()


def _hit(one: Text, words: tuple[str, ...]) -> Hit:
    title, whole = f"{one.title} {one.slug}".casefold(), _folded(one)
    score = sum(_IN_TITLE * (word in title) + min(whole.count(word), _MOST) for word in words)
    best = max(_lines(one), key=lambda line: sum(word in line.casefold() for word in words), default="")
    return Hit(text=one, score=score, excerpt=visible(best.strip(), _LONGEST))


def _lines(one: Text) -> Iterator[str]:
    yield from (line for line in one.text.splitlines() if line.strip() and not line.startswith("<!--"))
