"""Facts that others bring: people, and whatever else watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPinged(Event):
    """A job told of a run: `start`, `ok` or `fail`, at `pinged_at` (UTC), which is before now if it had to wait.

    `run` tells runs apart that overlap; `lines` are its last words, other people's. `trouble` and `message` say what
    is wrong with it from then on, until a good end: that it failed, or what was wrong when it began.
    """

    job: str
    state: str
    by: str
    pinged_at: datetime
    run: str = ""
    seconds: float | None = None
    exit_code: int | None = None
    lines: tuple[str, ...] = ()
    trouble: str = ""
    message: str = ""
