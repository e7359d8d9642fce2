"""A repair that waits for a person's word: what is asked, and how long the answer counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LASTS = timedelta(minutes=30)
"""From the question to its end; and as long a person's word counts for an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What a person was asked to approve. `remedy` is its label; `expired`: nobody did in time."""

    remedy: str
    unit: str
    asked_at: datetime
    until: datetime
    reason: str
    also: tuple[str, ...] = ()
    expired: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be approved."""
        return not self.expired and now < self.until


def in_time(asked_at: datetime | None, now: datetime) -> bool:
    """Whether a person's word of that moment still counts."""
    return asked_at is not None and timedelta() <= now - asked_at < LASTS
