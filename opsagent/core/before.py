"""What is known of earlier failures like this one: how often, what ended them, what is still to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING

from opsagent.core.archive.entry import Entry
from opsagent.core.incident import By, Incident, Occurrence
from opsagent.core.playbook.matching import best
from opsagent.core.task import Task

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from opsagent.core.state import State

WITHIN = timedelta(days=30)
PATTERNS = "failures/patterns"
"""Where the files of patterns are, beside the folder of incidents in every layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What ended such failures, so many times; `median_seconds` from its order, or from the first bad look."""

    by: By
    name: str
    times: int
    median_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The same failure in the 30 days before this one. `last` is the incident of the latest, which began `last_at`.

    `cures` begin with what helped most often. `median_seconds` is how long it was bad, however it ended. `tasks` are
    what people left to be done. `pattern` is the file that describes the failure, below the memory, "" for none;
    `entry` is what people wrote in the archive under a title that speaks of it.
    """

    occurrences: int = 0
    last_at: datetime | None = None
    last: str = ""
    cures: tuple[Cure, ...] = ()
    median_seconds: float | None = None
    tasks: tuple[Task, ...] = ()
    pattern: str = ""
    entry: Entry | None = None


def before(state: State, incident: Incident) -> Before:
    """Return what is known of failures like this one before its present spell."""
    found = sorted(_earlier(state, incident), key=lambda one: one[1].at)
    spells = [one for _, one in found]
    lasted = [one.lasted for one in spells if one.lasted is not None]
    return Before(
        occurrences=len(found),
        last_at=found[-1][1].at if found else None,
        last=found[-1][0] if found else "",
        cures=_cures(spells),
        median_seconds=median(lasted) if lasted else None,
        tasks=_tasks(state, incident, {label for label, _ in found}),
        pattern=f"{PATTERNS}/{incident.pattern}.md" if incident.pattern else "",
        entry=_entry(state.guides.entries, incident),
    )


def same(one: Occurrence, incident: Incident) -> bool:
    """Whether a spell of the past was the same failure: where the cause of both is known, of the same cause."""
    if one.fingerprint == incident.fingerprint:
        return bool(one.fingerprint)
    is_plain = one.fingerprint == one.alias or incident.fingerprint == incident.alias
    return is_plain and one.alias == incident.alias


def _earlier(state: State, incident: Incident) -> Iterator[tuple[str, Occurrence]]:
    """Yield the spells of the same failure, each with the label of its incident."""
    begun = incident.began
    pasts = ((one.label, one.occurrences) for one in state.past if one.seq != incident.seq)
    for label, spells in (*pasts, (incident.label or "", incident.earlier)):
        for one in spells:
            if same(one, incident) and begun - WITHIN <= one.at < begun:
                yield label, one


def _tasks(state: State, incident: Incident, labels: Collection[str]) -> tuple[Task, ...]:
    """Return what its pattern leaves to be done, then what the records of these incidents do, and its own."""
    pattern = state.archive.pattern(incident.pattern)
    where = f"{PATTERNS}/{incident.pattern}.md"
    known = tuple(Task(text=text, where=where) for text in pattern.tasks) if pattern else ()
    return (*known, *(one for one in state.tasks if one.incident in {*labels, incident.label}))


def _entry(entries: tuple[Entry, ...], incident: Incident) -> Entry | None:
    kind = incident.fingerprint.partition("|")[2].partition("|")[0]
    found = best([one.title for one in entries], incident, kind) if entries and not incident.blind else None
    return entries[found[0]] if found is not None else None


def _cures(spells: Iterable[Occurrence]) -> tuple[Cure, ...]:
    """Return what ended them, most often first; what no good look ended was ended by nothing."""
    kinds: dict[tuple[By, str], list[float]] = {}
    for one in spells:
        if one.took is not None:
            kinds.setdefault((one.by, one.name), []).append(one.took)
    cures = (Cure(by=by, name=name, times=len(s), median_seconds=median(s)) for (by, name), s in kinds.items())
    return tuple(sorted(cures, key=lambda cure: -cure.times))
