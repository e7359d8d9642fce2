"""What shows only over several incidents: many at once; and what the archive keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.labels import next_label
from opsagent.core.observation import Severity, worse_of
from opsagent.core.phase import Outcome, Phase
from opsagent.core.suspicion import BREAKER
from opsagent.core.text import some
from opsagent.core.timing import elapsed
from opsagent.core.world import OPENING, Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.state import Breaker

MANY = "breaker"  # what the incident of many failures shows in the place of a check
NOT_YET = "not known yet"
TO_FIND_A_CAUSE = timedelta(seconds=10)
"""The evidence is there within a second or two, on a busy host a little later."""
TO_TELL_WHY = timedelta(seconds=3)
"""So long the page about many failures at once waits for it; repairs are stopped meanwhile."""
_NOT_ARCHIVED = ("parent", "operator_stop", "maintenance", "pause")


def breaker_incident(world: World) -> list[Draft]:
    """Keep one parent incident while the breaker is open, and resolve it when it closes."""
    incident, breaker = world.state.open_for(BREAKER), world.state.breaker
    if breaker is None:
        return _breaker_over(world, incident)
    said = f"{len(breaker.keys)} unrelated failures at once: {some(breaker.keys)}; repairs stopped"
    if incident is None:
        event = ev.IncidentSuspected(
            key=BREAKER, check=MANY, unit=None, failure_class=MANY, message=said, first_bad_at=breaker.opened_at
        )
        return [Draft(event=event, incident=OPENING)]
    if incident.state is Phase.SUSPECT:
        if _causes_may_come(world, breaker):
            return []
        return [Draft(event=_confirmed(world, said), incident=incident.seq)]
    if incident.state is Phase.RESOLVED:
        return [Draft(event=ev.IncidentReopened(to=Phase.PAGED, message=said), incident=incident.seq)]
    return []


def _causes_may_come(world: World, breaker: Breaker) -> bool:
    """Whether the evidence of one of them is still on its way: people are told once, and want to know why."""
    looked_for = [one.because for one in world.state.open_incidents if one.key in breaker.keys]
    return not all(looked_for) and elapsed(breaker.opened_at, world.now) < TO_TELL_WHY


def _confirmed(world: World, said: str) -> ev.IncidentConfirmed:
    severity = Severity.SEV2
    taken = [i.label for i in world.state.incidents.values() if i.label] + [p.label for p in world.state.past]
    for incident in world.state.open_incidents:
        severity = worse_of(severity, incident.severity or severity)
    return ev.IncidentConfirmed(
        label=next_label(world.now.date(), [*taken, *world.taken]),
        to=Phase.PAGED,
        severity=severity,
        failure_class=MANY,
        fingerprint=f"{MANY}|host|{MANY}",
        reason=said,
        checks=(MANY,),
    )


def _breaker_over(world: World, incident: Incident | None) -> list[Draft]:
    if incident is None:
        return []
    if incident.is_open:
        reason = "ten quiet minutes: nothing new has failed"
        return [Draft(event=ev.IncidentResolved(reason=reason), incident=incident.seq)]
    if incident.state is Phase.RESOLVED and elapsed(incident.resolved_at or world.now, world.now) > timedelta(
        minutes=30
    ):
        return [Draft(event=ev.IncidentClosed(), incident=incident.seq)]
    return []


def patterns(world: World) -> list[Draft]:
    """Record, for the failure archive, each failure once it is believed and again when it is known what helped."""
    drafts = []
    for incident in world.state.incidents.values():
        if _worth_keeping(incident) and _is_known_by_now(world, incident):
            resolution, healed = _resolution(incident)
            if resolution != incident.archived:
                drafts.append(Draft(event=_pattern(incident, resolution, healed=healed), incident=incident.seq))
    return drafts


def _is_known_by_now(world: World, incident: Incident) -> bool:
    """Whether its cause is found, or will hardly be: until then it would be filed under another name."""
    since = incident.detected_at or incident.first_bad_at
    return incident.cause is not None or not incident.is_open or elapsed(since, world.now) >= TO_FIND_A_CAUSE


def _worth_keeping(incident: Incident) -> bool:
    if incident.label is None or incident.blind or incident.key == BREAKER:
        return False
    if incident.signs:
        return False  # what was repaired each time is kept there already
    return incident.severity is not Severity.SEV4 and incident.suppressed_by not in _NOT_ARCHIVED


def _resolution(incident: Incident) -> tuple[str, bool]:
    worked = next((a for a in reversed(incident.actions) if a.outcome is Outcome.VERIFIED), None)
    if worked is not None:
        return f"{worked.label} {worked.unit} worked (attempt {worked.attempt})", True
    if incident.state is not Phase.RESOLVED:
        return incident.archived or NOT_YET, False
    if incident.resolved_by:
        return f"resolved by {incident.resolved_by}", False
    return "good again without a repair by opsagent", False


def _pattern(incident: Incident, resolution: str, *, healed: bool) -> ev.PatternSeen:
    seconds = (incident.mitigated_at - incident.first_bad_at).total_seconds() if incident.mitigated_at else None
    kind = incident.fingerprint.rpartition("|")[2]  # of what is counted; the class of the last look may be another
    return ev.PatternSeen(
        fingerprint=incident.fingerprint,
        title=f"{incident.check if incident.raised_by else incident.key} {kind}",
        symptom=incident.reason,
        cause=incident.cause or kind,
        resolution=resolution,
        seconds=seconds,
        healed=healed,
    )
