"""What is known of every kind of failure: its pattern if it has one, its incidents, and what each remedy came to."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from opsagent.core.archive.entry import Entry
from opsagent.core.archive.pattern import Pattern
from opsagent.core.experience import Tally, tallies_of
from opsagent.core.incident import Incident
from opsagent.core.occurrence import occurrence
from opsagent.core.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from opsagent.core.experience import Experience

NO_FILE, ENTRY = "no file", "entry"
ALONE_WITHIN = 60.0
"""Seconds within which a failure that went away by itself counts for the base rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One kind of failure. `pattern` is None where no file describes it; `incidents` are in their order.

    `entry` is one that people wrote in a list: it is known by its title alone, and has no incidents.

    Of `left` times that it was left to itself it was good again `alone` times within a minute.
    """

    fingerprint: str
    pattern: Pattern | None = None
    incidents: tuple[Incident, ...] = ()
    remedies: tuple[Tally, ...] = ()
    alone: int = 0
    left: int = 0
    entry: Entry | None = None

    @property
    def name(self) -> str:
        """What it is called: its slug, without a file its fingerprint, an entry its title."""
        if self.entry:
            return self.entry.title
        return self.pattern.slug if self.pattern else self.fingerprint

    @property
    def title(self) -> str:
        """Say it in a few words."""
        if written := self.pattern or self.entry:
            return written.title
        last = self.incidents[-1]
        return f"{last.check}: {last.cause or last.failure_class}"

    @property
    def status(self) -> str:
        """Return active, retired, entry, or that there is no file."""
        if self.entry:
            return ENTRY
        return self.pattern.status if self.pattern else NO_FILE

    @property
    def cause(self) -> str:
        """Return why it fails, "" where nobody knows."""
        if self.entry:
            return self.entry.cause
        return self.pattern.cause if self.pattern else self.incidents[-1].cause or ""

    @property
    def last_at(self) -> datetime | None:
        """When it last began (UTC)."""
        return max((one.began for one in self.incidents), default=None)

    @property
    def occurrences(self) -> int:
        """How often it failed so: an incident that reopened did more than once."""
        return sum(1 + len(one.earlier) for one in self.incidents)

    @property
    def lasted(self) -> tuple[float, ...]:
        """How long each spell of it was bad, in seconds, where a good look ended it."""
        spells = (spell for one in self.incidents for spell in (*one.earlier, occurrence(one)))
        return tuple(spell.lasted for spell in spells if spell.lasted is not None)


def known(
    patterns: Iterable[Pattern], incidents: Iterable[Incident], experience: Mapping[str, Experience]
) -> tuple[Known, ...]:
    """Return every kind of failure that a file describes or an incident showed, the one that came last first."""
    files, mine = tuple(patterns), dict[str, list[Incident]]()
    for one in incidents:
        if one.label and not one.blind and not one.signs:  # what is repaired too often is no failure of its own
            mine.setdefault(_kind(files, one), []).append(one)
    found = [_known(one, one.slug, mine.pop(one.slug, []), experience) for one in files]
    found += [_known(None, name, those, experience) for name, those in mine.items()]
    return tuple(sorted(found, key=lambda one: (one.last_at is None, -_stamp(one), one.name)))


def _stamp(one: Known) -> float:
    return one.last_at.timestamp() if one.last_at else 0.0


def _kind(files: tuple[Pattern, ...], incident: Incident) -> str:
    """Return the slug of the pattern that spoke of it or has its fingerprint, else its fingerprint."""
    slugs = {one.slug for one in files}
    if incident.pattern in slugs:
        return incident.pattern
    return next(
        (one.slug for one in files if one.fingerprint and one.fingerprint == incident.fingerprint),
        incident.fingerprint,
    )


def _known(
    pattern: Pattern | None, name: str, incidents: list[Incident], experience: Mapping[str, Experience]
) -> Known:
    own = pattern.fingerprint if pattern else name
    names = {own, *(one.fingerprint for one in incidents)}
    learned = [experience[one] for one in sorted(names) if one in experience]
    counts = [one.alone(ALONE_WITHIN) for one in learned]
    return Known(
        fingerprint=own or next((one.fingerprint for one in reversed(incidents)), ""),
        pattern=pattern,
        incidents=tuple(incidents),
        remedies=tuple(_tallies(pattern, learned)),
        alone=sum(back for back, _ in counts),
        left=sum(seen for _, seen in counts),
    )


def _tallies(pattern: Pattern | None, learned: list[Experience]) -> Iterator[Tally]:
    """Yield what became of the remedies that the pattern names, in its order, then of what else was tried."""
    named = [one.do for one in pattern.remedies] if pattern else []
    tried = {one.label: one for one in tallies_of(learned) if one.tries or one.would or one.label in named}
    yield from (tried.pop(label, Tally(label=label)) for label in dict.fromkeys(named))
    yield from tried.values()


def shown(one: Known, folder: str) -> dict[str, Any]:
    """Return it as `failures --json` shows it; `folder` is that of the patterns, below the memory."""
    pattern, lasted = one.pattern, one.lasted
    return {
        "slug": pattern.slug if pattern else None,
        "title": one.title,
        "fingerprint": one.fingerprint or None,
        "cause": one.cause or None,
        "status": one.status,
        "verified": pattern.verified if pattern else False,
        "file": f"{folder}/{pattern.slug}.md" if pattern else one.entry.where if one.entry else None,
        "line": 1 if pattern else one.entry.line if one.entry else None,
        "symptom": (one.entry.symptom or None) if one.entry else None,
        "resolution": (one.entry.resolution or None) if one.entry else None,
        "occurrences": one.occurrences,
        "first_seen": iso(one.incidents[0].first_bad_at) if one.incidents else None,
        "last_seen": iso(one.last_at) if one.last_at else None,
        "remedies": [_shown(each) for each in one.remedies],
        "base_rate": round(one.alone / one.left, 3) if one.left else None,
        "median_seconds": round(median(lasted), 3) if lasted else None,
        "bad_seconds": round(sum(lasted), 3),
        "incidents": [each.label for each in one.incidents],
    }


def _shown(one: Tally) -> dict[str, Any]:
    return {
        "do": one.label,
        "tried": one.tried,
        "worked": one.worked,
        "would": one.would,
        "last": iso(one.last) if one.last else None,
        "median_seconds": None if one.median is None else round(one.median, 3),
    }
