"""The hours of a day in which a number means something else: connections at noon, load while backups run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from opsagent.core.quantity import in_order
from opsagent.core.timing import local

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Hours of the day with limits of their own, by the wall clock of the check's zone.

    from: when they begin, as `08:00`.
    to: when they end, as `20:00`; before `from` it is that of the next day.
    days: the days on which they begin, such as `[Mon, Tue, Wed, Thu, Fri]`; default: every day.
    warning: the limit in these hours, in place of the check's own.
    critical: the critical limit in these hours, in place of the check's own.
    """

    begins: str = field(metadata={"key": "from"})
    ends: str = field(metadata={"key": "to"})
    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...] = ()
    warning: float | None = None
    critical: float | None = None

    def __post_init__(self) -> None:
        """Refuse at once hours that never are, and hours that change nothing (ValueError)."""
        for key, value in (("from", self.begins), ("to", self.ends)):
            if not _CLOCK.fullmatch(value):
                raise ValueError(f"cannot read {value!r} as {key}, allowed: a time of day such as '08:00'")
        if self.begins == self.ends:
            raise ValueError(f"cannot use {self.begins} as from and to, allowed: two different times")
        if self.warning is None and self.critical is None:
            raise ValueError("cannot use peak without limits of its own: warning, critical")
        in_order(("warning", self.warning), ("critical", self.critical))

    def includes(self, now: datetime, zone: str) -> bool:
        """Say whether a moment is in these hours: begin included, end not; hours over midnight are the day's before."""
        wall = local(now, zone)
        begins, ends, clock = time.fromisoformat(self.begins), time.fromisoformat(self.ends), wall.time()
        today, before = self._on(wall), self._on(wall - timedelta(days=1))
        if begins < ends:
            return today and begins <= clock < ends
        return (today and clock >= begins) or (before and clock < ends)

    def _on(self, wall: datetime) -> bool:
        return not self.days or _DAYS[wall.weekday()] in self.days
