"""Moving open deadlines and budget stamps when the wall clock was set: an hour back must not mean an hour's wait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from opsagent.core.incident import Incident
    from opsagent.core.state import Attempt, Owed, State


def shifted(state: State, by: timedelta) -> State:
    """Return the state with every open deadline and every stamp that a budget counts from moved by `by`."""

    def moved(at: datetime | None) -> datetime | None:
        return at + by if at is not None else None

    def attempt(one: Attempt) -> Attempt:
        return replace(one, at=one.at + by, ended_at=moved(one.ended_at))

    def owed(one: Owed) -> Owed:
        return replace(one, next_at=one.next_at + by, expires_at=one.expires_at + by)

    return replace(
        state,
        incidents={seq: _incident(one, by) for seq, one in state.incidents.items()},
        attempts=tuple(attempt(a) for a in state.attempts),
        heals=tuple(replace(h, at=h.at + by) for h in state.heals),
        owed={key: owed(one) for key, one in state.owed.items()},
        pauses={key: replace(one, until=one.until + by) for key, one in state.pauses.items()},
        chronic_told={unit: at + by for unit, at in state.chronic_told.items()},
        overloaded_at=moved(state.overloaded_at),
        breaker=replace(state.breaker, last_at=state.breaker.last_at + by) if state.breaker else None,
    )


def _incident(incident: Incident, by: timedelta) -> Incident:
    def moved(at: datetime | None) -> datetime | None:
        return at + by if at is not None else None

    return replace(
        incident,
        ack_until=moved(incident.ack_until),
        snoozed_until=moved(incident.snoozed_until),
        next_level_at=moved(incident.next_level_at),
        next_repair_at=moved(incident.next_repair_at),
        good_since=moved(incident.good_since),
        resolved_at=incident.resolved_at,
    )
