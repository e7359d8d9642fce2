"""Facts that others bring: people, and whatever else watches."""

from __future__ import annotations

from dataclasses import dataclass

from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportJoined(Event):
    """Somebody speaks of trouble that has its incident already. `security`: nothing is done about it by itself.

    `awaits_person` says that no check sees it: only a person ends it.
    """

    by: str
    text: str
    security: bool = False
    awaits_person: bool = False
