"""Trying a pattern on what is on record: which incidents it would have spoken of, and why not of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsagent.core.archive.failure import failure_of
from opsagent.core.archive.matched import recalled
from opsagent.core.archive.matching import ACTIVE, keys

if TYPE_CHECKING:
    from opsagent.core.archive.failure import Failure
    from opsagent.core.archive.pattern import Pattern, Said
    from opsagent.core.incident import Incident
    from opsagent.core.unit import UnitSnapshot

Find = Callable[[Iterable[str], Sequence[str]], tuple["Said", ...]]
"""Finds expressions in lines: `archive.expressions.said`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One incident: whether the pattern speaks of it, by what, and which keys do not agree (with what was there)."""

    seq: int
    label: str
    matches: bool
    because: str = ""
    why_not: tuple[str, ...] = ()


def tried(pattern: Pattern, incidents: Iterable[tuple[Incident, UnitSnapshot | None]], find: Find) -> Iterator[Trial]:
    """Try a pattern on incidents, each with its unit as it was when the failure was believed (None: not known)."""
    for incident, unit in incidents:
        evidence = recalled(incident, unit)
        lines = [evidence.message, *(line.text for line in (*evidence.kernel, *evidence.log))]
        failure = failure_of(incident, replace(evidence, said=find(pattern.match.log, lines)))
        yield _trial(pattern, incident, failure)


def _trial(pattern: Pattern, incident: Incident, failure: Failure) -> Trial:
    found = tuple(keys(pattern, failure))
    why_not = tuple(f"{key}: {_there(key, failure)}" for key, what in found if not what)
    if pattern.status != ACTIVE:
        why_not = (f"status: it is {pattern.status}", *why_not)
    because = ", ".join(f"{key} {what}" for key, what in found if what)
    label = incident.label or f"suspect {incident.seq}"
    return Trial(seq=incident.seq, label=label, matches=bool(found) and not why_not, because=because, why_not=why_not)


def _there(key: str, failure: Failure) -> str:
    """Say what was there instead."""
    causes = " or ".join(filter(None, (failure.cause, failure.failure_class)))
    there = {
        "unit": failure.name,
        "result": ", ".join(sorted(failure.results)),
        "exit": ", ".join(sorted(failure.exits)),
        "cause": causes,
        "log": "",
    }[key]
    return f"it was {there}" if there else _NOTHING.get(key, "nothing is known of it")


_NOTHING = {"log": "no line on record says it"}
