"""How often each pattern spoke of a failure, and of which kinds. What was tried then is `experience`'s to know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.archive.pattern import Record, Spell
from opsagent.core.experience import tallies_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.experience import Tally
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

KEPT = 20
"""Spells, and kinds of failure, of a pattern that are remembered."""


def recorded_of(after: State, recorded: Recorded) -> Mapping[str, Record]:
    """Return the records of all patterns after one event, told with the state after it."""
    records = after.archive.records
    incident = after.incidents.get(recorded.incident or 0)
    if incident is None or not incident.pattern:
        return records
    known = records.get(incident.pattern, Record())
    changed = _of_kind(_once_more(known, incident), incident.fingerprint)
    return records if changed is known else {**records, incident.pattern: changed}


def _once_more(known: Record, incident: Incident) -> Record:
    spell = Spell(incident=incident.seq, number=len(incident.earlier), label=incident.label or "")
    if spell in known.spells:
        return known
    return replace(
        known,
        count=known.count + 1,
        first_at=known.first_at or incident.began,
        last_at=incident.began,
        spells=(*known.spells, spell)[-KEPT:],
    )


def _of_kind(known: Record, fingerprint: str) -> Record:
    return known if fingerprint in known.kinds else replace(known, kinds=(*known.kinds, fingerprint)[-KEPT:])


def tallies(state: State, record: Record) -> tuple[Tally, ...]:
    """Return what each remedy came to for the kinds of failure that a pattern spoke of."""
    found = tallies_of(state.experience[kind] for kind in record.kinds if kind in state.experience)
    return tuple(one for one in found if one.tries)
