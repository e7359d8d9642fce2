"""The story of the day: which recorded facts get an entry, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.report import about_backups, about_changes, about_logs, about_trust
from opsagent.core.report.about_host import host_story
from opsagent.core.report.about_incident import incident_story
from opsagent.core.report.entry import Entry, Scene

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

AREAS = (about_backups, about_changes, about_logs, about_trust)
"""Each registers which stories its events tell."""


def entries(before: State, after: State, recorded: Recorded) -> tuple[Entry, ...]:
    """Return what one recorded event adds to the story of its local day; most events add nothing."""
    scene = Scene(before=before, after=after, recorded=recorded)
    incident = scene.incident
    text = incident_story(recorded.event, scene, incident) if incident is not None else ""
    text = text or host_story(recorded.event, scene)
    return (Entry(date=scene.today, seq=recorded.seq, text=text),) if text else ()
