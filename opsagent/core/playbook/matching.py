"""Which section of a playbook speaks of an incident, by its symptom; no match is better than a wrong one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from opsagent.core.playbook.vocabulary import EMPTY, OF_CLASS, SAME, SYMPTOMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opsagent.core.incident import Incident

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a text says: of what (`things`), what is seen of it (`symptoms`), and which of these are `sure`."""

    things: frozenset[str]
    symptoms: frozenset[str]
    sure: frozenset[str] = frozenset()


def best(titles: Sequence[str], incident: Incident, kind: str = "") -> tuple[int, tuple[str, ...]] | None:
    """Return the place of the title that speaks of an incident, and the words by which it does; None if none does.

    Both are taken apart into words, small, without a plural's s; empty words (`the`, `service`, `high`) do not count,
    and synonyms are one word (`not starting`, `failed`, `dead` are `down`; `OOM` is `memory`). Words of the incident
    are those of its check, its unit, the check's `kind`, its failure class and what was observed or reported.

    A title with a symptom speaks of it when a symptom is the same, and of what it names at least half is in the
    incident. One that names nothing (`Not starting`) goes by the failure class alone, unless a person reported it:
    words of a message are too many. A title without a symptom speaks of it when all that it names is in the incident.
    Of several the one with most words in common, of those the first.
    """
    seen = _of(incident, kind)
    scores = [(len(common), -place, common) for place, title in enumerate(titles) if (common := _common(title, seen))]
    if not scores:
        return None
    _, place, common = max(scores)
    return -place, common


def _common(title: str, seen: Words) -> tuple[str, ...]:
    said = words(title)
    things, symptoms = said.things & seen.things, said.symptoms & (seen.symptoms if said.things else seen.sure)
    enough = 2 * len(things) >= len(said.things) if said.symptoms else len(things) == len(said.things)
    if not enough or (said.symptoms and not symptoms):
        return ()
    return tuple(sorted(things | symptoms))


def _of(incident: Incident, kind: str) -> Words:
    name, failure = (incident.unit or "").rpartition(".")[0], incident.failure_class
    told = words(f"{incident.check} {name} {kind} {failure} {incident.reason}")
    sure = words(failure).symptoms | set(OF_CLASS.get(failure, "").split())
    said = words(incident.reason).symptoms if incident.raised_by else frozenset[str]()
    return Words(things=told.things, symptoms=told.symptoms | sure, sure=sure | said)


@lru_cache(maxsize=512)
def words(text: str) -> Words:
    """Return the words of a text."""
    found = [_singular(word) for word in _WORD.findall(text[:_LONGEST].casefold())]
    symptoms = {symptom for word in found for symptom in _MEANS.get(word, ())}
    things = {_THING.get(word, word) for word in found if word not in _MEANS and word not in EMPTY}
    return Words(things=frozenset(one for one in things if len(one) > 1), symptoms=frozenset(symptoms))


def _singular(word: str) -> str:
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us"))  # noqa: PLR2004
    return word[:-1] if is_plural else word


def _turned(groups: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for meaning, said in groups:
        for word in (meaning, *said.split()):
            key = _singular(word)
            found[key] = (*found.get(key, ()), meaning)
    return found


_MEANS = _turned(SYMPTOMS.items())
_THING = {word: meanings[0] for word, meanings in _turned(SAME.items()).items()}
