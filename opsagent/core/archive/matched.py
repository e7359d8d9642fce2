"""From the archive and what a failure showed to a pattern on record: known before, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.archive.allowed import allowed_words, refused_remedies
from opsagent.core.archive.failure import failure_of
from opsagent.core.archive.matching import matching
from opsagent.core.diagnosis.evidence import Evidence, line_of
from opsagent.core.renewal import replace
from opsagent.core.world import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.archive.matching import Agreed
    from opsagent.core.incident import Incident
    from opsagent.core.unit import UnitSnapshot
    from opsagent.core.world import World

EVIDENCE = "evidence: "
"""How a line of the timeline begins below which evidence is quoted."""
_OF_KERNEL = "kernel"


def matched(world: World, incident: Incident, evidence: Evidence, *, anew: bool = False) -> list[Draft]:
    """Record the pattern that speaks of an incident, where it is another than before.

    `anew`: the archive changed. Then a pattern that no longer speaks of it is let go; evidence of a later moment
    never takes one away.
    """
    if incident.label is None or incident.blind or incident.closed_at is not None:
        return []
    found = matching(world.state.archive.patterns, failure_of(incident, evidence))
    if found is None:
        return _let_go(incident) if anew and incident.pattern else []
    if found.pattern.slug == incident.pattern:
        return []
    return [Draft(event=_event(world, incident, found), incident=incident.seq)]


def with_cause(incident: Incident, drafts: Iterable[Draft]) -> Incident:
    """Return the incident with the cause that was just found for it."""
    cause = next((one.event.cause for one in drafts if isinstance(one.event, ev.CauseFound)), incident.cause)
    return replace(incident, cause=cause)


def recalled(incident: Incident, unit: UnitSnapshot | None) -> Evidence:
    """Return what is still known of a failure: the lines on record, and how its unit stood, where that is known."""
    log, kernel = list[str](), list[str]()
    for moment in incident.timeline:
        source = moment.text.removeprefix(EVIDENCE)
        if source != moment.text:
            (kernel if source == _OF_KERNEL else log).extend(moment.quoted)
    return Evidence(
        message=incident.reason,
        unit=unit,
        log=tuple(map(line_of, log)),
        kernel=tuple(map(line_of, kernel)),
    )


def _let_go(incident: Incident) -> list[Draft]:
    because = f"{incident.pattern} is retired, gone, or says something else now"
    return [Draft(event=ev.PatternMatched(slug="", title="", because=because), incident=incident.seq)]


def _event(world: World, incident: Incident, found: Agreed) -> ev.PatternMatched:
    pattern = found.pattern
    refused = refused_remedies(pattern, world.policy, incident.key)
    allowed = allowed_words(pattern, world.policy, incident.key)
    said = tuple(f"{one}: not allowed for {incident.key} by the settings, allowed: {allowed}" for one in refused)
    return ev.PatternMatched(slug=pattern.slug, title=pattern.title, because=found.because, refused=said)
