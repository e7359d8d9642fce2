"""Which planned heartbeats did not come: on a host that is down, or while nobody looked."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from opsagent.core.timing import local_date, resolve

if TYPE_CHECKING:
    from opsagent.core.state import State


def missed(state: State, now: datetime) -> int:
    """Return how many heartbeats of the local day of `now` were due since the last one and did not come.

    One is missed when it is late by more than half its interval. Before the very first one none was due.
    """
    every, due = state.heartbeat, state.beat_due_at
    if due is None or every <= timedelta():
        return 0
    midnight = resolve(datetime.combine(local_date(now, state.zone), time()), state.zone)
    first = due + max(0, -((due - midnight) // every)) * every
    last = now - every / 2
    return max(0, (last - first) // every + 1)
