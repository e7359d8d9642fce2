"""One entry of a day's file, and what it is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from opsagent.core.codec import Recorded
from opsagent.core.report.clock import hhmm, seen_from
from opsagent.core.state import State
from opsagent.core.timing import local_date
from opsagent.core.wording import bad_since

if TYPE_CHECKING:
    from opsagent.core.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A piece of the story of a local day. `seq` is the event that it tells of; its marker is added by the writer."""

    date: date
    seq: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The state before and after one recorded event."""

    before: State
    after: State
    recorded: Recorded

    @property
    def at(self) -> datetime:
        """When it was recorded (UTC)."""
        return self.recorded.at

    @property
    def zone(self) -> str:
        """The zone of the daily files."""
        return self.after.zone

    @property
    def today(self) -> date:
        """The local date of the file it belongs to."""
        return local_date(self.at, self.zone)

    @property
    def incident(self) -> Incident | None:
        """The incident it is about, as it is after the event, or was when the event ended it."""
        seq = self.recorded.incident
        return self.after.incident(seq) or self.before.incident(seq)

    def when(self, at: datetime) -> str:
        """Return a moment as a reader of this day's file wants it."""
        return seen_from(at, self.zone, self.today)

    def began(self, incident: Incident) -> str:
        """Return the time for a heading: when the trouble began (again), if that was today."""
        first = bad_since(incident)
        return hhmm(first if local_date(first, self.zone) == self.today else self.at, self.zone)

    def now(self) -> str:
        """Return the time of the event for a heading."""
        return hhmm(self.at, self.zone)


def told(heading: str, *bullets: str) -> str:
    """Put an entry together. Empty bullets are left out."""
    return "\n".join([f"## {heading}", *(f"- {bullet}" for bullet in bullets if bullet)])
