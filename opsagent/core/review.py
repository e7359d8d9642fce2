"""The daily review of the logs: when it is due, and from where it reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from opsagent.core.events.logs import LogsReviewed
from opsagent.core.timing import elapsed, local_date, resolve

if TYPE_CHECKING:
    from opsagent.core.policy import Policy
    from opsagent.core.state import State

SETTLED = timedelta(minutes=2)
"""A host that has just come up has more to do than to read yesterday's logs."""
FIRST = timedelta(days=1)
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """The last review and when it was recorded (UTC), up to where the logs were read, and whether one is wanted now.

    One that failed has read nothing: the next one begins where it began.
    """

    at: datetime | None = None
    last: LogsReviewed | None = None
    until: datetime | None = None
    is_ordered: bool = False


def due(state: State, policy: Policy, now: datetime) -> bool:
    """Whether the logs are to be reviewed: somebody asks for it, or today's time has come and nobody has since.

    Recorded facts decide: a daemon that was down at that time does it at its next start of the same local day.
    """
    if state.reviews.is_ordered:
        return True
    if not policy.review.enabled or state.started_at is None or elapsed(state.started_at, now) < SETTLED:
        return False
    today = datetime.combine(local_date(now, policy.zone), time.fromisoformat(policy.review.at))
    begins, last = resolve(today, policy.zone), state.reviews.at
    return now >= begins and (last is None or not begins <= last <= now)  # one of the future: the clock was set back


def since(state: State, now: datetime) -> datetime:
    """Return from when the logs are read: where the last review ended, a day at the first, a week at most."""
    until = state.reviews.until
    return max(until, now - LONGEST) if until is not None and until < now else now - FIRST
