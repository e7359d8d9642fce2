"""What every part of the story needs: one line more in the timeline, and a held repair asked about again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.incident import Incident, Moment
from opsagent.core.phase import Repair
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded

TIMELINE_LIMIT = 200


def told_story(incident: Incident, recorded: Recorded, text: str, quoted: tuple[str, ...] = ()) -> Incident:
    """Return the incident with one line more in its timeline; `quoted` are other people's words."""
    moment = Moment(seq=recorded.seq, at=recorded.at, text=text, quoted=quoted)
    return replace(incident, timeline=(*incident.timeline, moment)[-TIMELINE_LIMIT:])


def asked_anew(incident: Incident) -> Incident:
    """Let a repair that was held back be asked about at once: what held it may be over."""
    held = incident.repair in (Repair.HELD, Repair.WAITING)
    return replace(incident, next_repair_at=None, asked_again=0) if held else incident
