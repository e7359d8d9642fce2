"""What no restart cures: failures that need a change of code are handed to those who can make one, once each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import notice_words
from opsagent.core.diagnosis.finding import Cause
from opsagent.core.notices import notice
from opsagent.core.observation import Severity
from opsagent.core.phase import SILENT
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.world import World

EVIDENCE_WITHIN = timedelta(seconds=10)
"""So long a ticket waits for what the program said itself."""
ONCE_IN = timedelta(days=30)
OFTEN = 3
"""The same failure so many times in 30 days is nobody's bad luck."""
_BY_HAND = (9, 15)
_OF_ITS_SURROUNDINGS = (
    *(Cause.PORT_TAKEN, Cause.DISK_FULL, Cause.INODES_USED_UP, Cause.READ_ONLY, Cause.DEPENDENCY_DOWN, Cause.DNS),
    *(Cause.CERTIFICATE_EXPIRED, Cause.OUT_OF_MEMORY, Cause.TOO_MANY_OPEN_FILES),
)
"""Causes for which a program's last words are no mistake of its own, however they look."""
_OF_PLAYBOOK = ("playbook: ", "evidence: playbook ")
"""What a person wrote long ago, and what it led to, is nothing that the program said."""


def due(world: World) -> list[Draft]:
    """Return the next ticket, with the word of it to the developers; each kind of failure once in 30 days."""
    for incident in world.state.open_incidents:
        told_at = world.state.changes.tickets.get(incident.fingerprint)
        told = told_at is not None and elapsed(told_at, world.now) < ONCE_IN
        if incident.ticket or told or not _is_theirs(incident):
            continue
        reason = _reason(world, incident)
        if reason:
            return _opened(world, incident, reason)
    return []


def _is_theirs(incident: Incident) -> bool:
    worth = incident.severity is not Severity.SEV4 and not incident.blind and not incident.awaits_person
    return worth and not incident.security and incident.suppressed_by not in SILENT


def _reason(world: World, incident: Incident) -> str:
    if incident.traceback and incident.cause not in _OF_ITS_SURROUNDINGS:
        return f"its program shows a mistake of its own: {incident.traceback}"
    heard = any(moment.quoted and not moment.text.startswith(_OF_PLAYBOOK) for moment in incident.timeline)
    waited = elapsed(incident.detected_at or world.now, world.now) >= EVIDENCE_WITHIN
    if incident.after_change and (heard or waited) and not _was_killed(world, incident):
        return f"it was {incident.after_change}: what is new does not work here"
    before = sum(past.fingerprint in (incident.fingerprint, incident.alias) for past in world.state.past)
    if incident.fingerprint and before + 1 >= OFTEN:
        return f"the same failure came {before + 1} times in 30 days: a repair cures nothing"
    return ""


def _was_killed(world: World, incident: Incident) -> bool:
    """Whether somebody killed it by hand: that says nothing of what is new."""
    unit = world.state.units.get(incident.unit or "")
    return unit is not None and unit.result == "signal" and unit.exec_main_status in _BY_HAND


def _opened(world: World, incident: Incident, reason: str) -> list[Draft]:
    title = f"{incident.check} needs a change of code"
    lines = (
        f"Why: {reason}.",
        f"It is a ticket in the memory: tickets/{incident.label}.md",
        f"Look: opsagent show {incident.label}",
    )
    key = f"ticket:{incident.label}:{incident.reopened}"
    told = notice(world, key, *notice_words.notice(world.policy, title, lines), world.policy.changes.developers)
    event = ev.TicketOpened(title=title, reason=reason)
    return [Draft(event=event, incident=incident.seq), *(replace(one, incident=incident.seq) for one in told)]
