"""What time it is, and how a moment is written on this screen: by one wall clock. JSON keeps UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from opsagent.core.report.clock import hhmm, hhmmss
from opsagent.core.timing import elapsed, local_date, spoken


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Wall:
    """The clock of one screen: the zone in which the daemon says times in its sentences, not that of the terminal."""

    zone: str

    def shown(self, stamp: str | None) -> str:
        """Return an ISO 8601 moment: `14:03:07`, with the date when that is not today."""
        if not stamp:
            return "-"
        at = datetime.fromisoformat(stamp)
        day = local_date(at, self.zone)
        return hhmmss(at, self.zone) if day == local_date(now(), self.zone) else f"{day} {hhmm(at, self.zone)}"

    @property
    def said(self) -> str:
        """The line that says once which zone it is."""
        return f"times are those of {self.zone}"


def ago(stamp: str | None) -> str:
    """Return how long ago a moment was, in words: `3 min`."""
    if not stamp:
        return "-"
    moment = datetime.fromisoformat(stamp)
    current = now()
    return spoken(elapsed(moment, current)) if moment <= current else "0 s"


def lasted(begin: str | None, end: str | None) -> str:
    """Return how long something lasted, or has lasted so far (`4 min …`)."""
    if not begin:
        return "-"
    until = datetime.fromisoformat(end) if end else now()
    span = spoken(max(until - datetime.fromisoformat(begin), until - until))
    return span if end else f"{span} …"
