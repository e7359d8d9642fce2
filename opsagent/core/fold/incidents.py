"""The incident that an event is about, from its first bad look until it is the past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import story
from opsagent.core.fold.rule import KEEP_PAST, without
from opsagent.core.occurrence import occurrence
from opsagent.core.phase import Outcome, Phase
from opsagent.core.renewal import replace
from opsagent.core.report.links import has_file
from opsagent.core.state import Past
from opsagent.core.together import cause_of, is_breaker

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State


def about_incident(state: State, recorded: Recorded) -> State:
    """Return the state with the incident that this event is about as it is after it."""
    seq = recorded.incident
    if isinstance(recorded.event, ev.IncidentSuspected):
        return _with_incident(state, story.opened(recorded))
    if seq is not None and seq in state.farewells and isinstance(recorded.event, story.DELIVERY):
        return replace(state, farewells={**state.farewells, seq: story.apply(state.farewells[seq], recorded)})
    incident = state.incidents.get(seq) if seq is not None else None
    if incident is None:
        return state
    changed = story.apply(incident, recorded)
    if changed.state is Phase.CLOSED:
        return _over(state, changed)
    return _why_of_many(_with_incident(state, changed), changed, recorded)


def _why_of_many(state: State, incident: Incident, recorded: Recorded) -> State:
    """The record of many failures at once tells why each of them failed, whichever of both was known first."""
    many = state.incidents.get(incident.parent or 0)
    is_news = isinstance(recorded.event, (ev.CauseFound, ev.SuppressionChanged)) and incident.suppressed_by == "parent"
    if many is None or not is_breaker(many) or not incident.cause or not is_news:
        return state
    return _with_incident(state, story.told_story(many, recorded, cause_of(incident)))


def _with_incident(state: State, incident: Incident) -> State:
    return replace(state, incidents={**state.incidents, incident.seq: incident})


def _over(state: State, incident: Incident) -> State:
    """A closed incident leaves the state, once all is said; what recurrence needs of it stays for 30 days."""
    incidents = without(state.incidents, incident.seq)
    if any(owed.incident == incident.seq for owed in state.owed.values()):
        state = replace(state, farewells={**state.farewells, incident.seq: incident})
    if incident.label is None or incident.closed_at is None:
        return replace(state, incidents=incidents)
    healed = any(a.outcome is Outcome.VERIFIED for a in incident.actions)
    seconds = (incident.mitigated_at - incident.first_bad_at).total_seconds() if incident.mitigated_at else None
    past = Past(
        seq=incident.seq,
        label=incident.label,
        key=incident.key,
        check=incident.check,
        fingerprint=incident.fingerprint,
        first_bad_at=incident.first_bad_at,
        closed_at=incident.closed_at,
        healed=healed,
        seconds=seconds,
        filed=has_file(incident),
        alias=incident.alias,
        occurrences=(*incident.earlier, occurrence(incident)),
    )
    oldest = incident.closed_at - KEEP_PAST
    kept = tuple(p for p in state.past if p.closed_at > oldest)
    return replace(state, incidents=incidents, past=(*kept, past))
