"""What the log knows of each pattern: how often its failure came, and what was tried then. No file is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.archive.pattern import Record, Tried
from opsagent.core.phase import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Action, Incident
    from opsagent.core.state import State

KEPT = 20
"""Incidents and times of a pattern that are remembered."""
_TRIED = (Outcome.VERIFIED, Outcome.FAILED, Outcome.RELAPSED)


def recorded_of(before: State, after: State, recorded: Recorded) -> Mapping[str, Record]:
    """Return the records of all patterns after one event, told with the state before and after it."""
    records = after.archive.records
    incident = after.incidents.get(recorded.incident or 0)
    if incident is None or not incident.pattern:
        return records
    known = records.get(incident.pattern, Record())
    changed = _told(known, before.incidents.get(incident.seq), incident, recorded)
    return records if changed is known else {**records, incident.pattern: changed}


def _told(known: Record, before: Incident | None, incident: Incident, recorded: Recorded) -> Record:
    if incident.seq not in known.incidents:
        known = _once_more(known, incident)
        return replace(known, remedies=_all(known.remedies, incident.actions, incident))
    if isinstance(recorded.event, ev.ActionJudged) and before is not None:
        judged = tuple(one for one in incident.actions if one.seq == recorded.event.action)
        return replace(known, remedies=_all(known.remedies, judged, incident))
    return known


def _once_more(known: Record, incident: Incident) -> Record:
    return replace(
        known,
        count=known.count + 1,
        first_at=known.first_at or incident.first_bad_at,
        last_at=incident.first_bad_at,
        incidents=(*known.incidents, incident.seq)[-KEPT:],
        labels=(*known.labels, incident.label or "")[-KEPT:],
    )


def _all(known: tuple[Tried, ...], actions: tuple[Action, ...], incident: Incident) -> tuple[Tried, ...]:
    found = {one.do: one for one in known}
    for action in actions:
        if action.outcome in _TRIED:
            found[action.label] = _again(found.get(action.label, Tried(do=action.label)), action, incident)
    return tuple(found.values())


def _again(known: Tried, action: Action, incident: Incident) -> Tried:
    worked = action.outcome is Outcome.VERIFIED
    good = incident.mitigated_at
    seconds = (good - action.at).total_seconds() if worked and good is not None and good >= action.at else None
    return replace(
        known,
        tried=known.tried + 1,
        worked=known.worked + worked,
        last=action.at,
        seconds=known.seconds if seconds is None else (*known.seconds, seconds)[-KEPT:],
    )
