"""Moving open deadlines and budget stamps when the wall clock was set: an hour back must not mean an hour's wait."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from opsagent.core.incident import Action, Incident, Told
from opsagent.core.job import Job
from opsagent.core.renewal import replace
from opsagent.core.suggestion import Suggestion

if TYPE_CHECKING:
    from datetime import timedelta

    from opsagent.core.state import Attempt, Breaker, Owed, State

R = TypeVar("R", Incident, Action, Told, Job, Suggestion)


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
        heals=tuple(replace(h, at=h.at + by, bad_at=moved(h.bad_at)) for h in state.heals),
        owed={key: owed(one) for key, one in state.owed.items()},
        pauses={key: replace(one, until=one.until + by) for key, one in state.pauses.items()},
        chronic_told={unit: at + by for unit, at in state.chronic_told.items()},
        overloaded_at=moved(state.overloaded_at),
        own_stops={unit: replace(stop, at=stop.at + by) for unit, stop in state.own_stops.items()},
        stops={unit: replace(stop, at=stop.at + by) for unit, stop in state.stops.items()},
        breaker=_breaker(state.breaker, by) if state.breaker else None,
        changes=replace(state.changes, known=tuple(replace(c, at=c.at + by) for c in state.changes.known)),
        jobs={name: _job(one, by) for name, one in state.jobs.items()},
    )


def _breaker(breaker: Breaker, by: timedelta) -> Breaker:
    return replace(breaker, opened_at=breaker.opened_at + by, last_at=breaker.last_at + by)


def _job(job: Job, by: timedelta) -> Job:
    return replace(_moved(job, by), pings=tuple(at + by for at in job.pings))


def _incident(incident: Incident, by: timedelta) -> Incident:
    """All its times move, so that what has passed since and what is left to wait stay as they were.

    The timeline does not: it says when something was written down.
    """
    actions = tuple(_moved(action, by) for action in incident.actions)
    told = tuple(_moved(one, by) for one in incident.told)
    suggestion = _moved(incident.suggestion, by) if incident.suggestion else None
    return replace(_moved(incident, by), actions=actions, told=told, suggestion=suggestion)


def _moved(record: R, by: timedelta) -> R:
    values: dict[str, Any] = {one.name: getattr(record, one.name) for one in fields(record)}
    moved: dict[str, Any] = {name: at + by for name, at in values.items() if isinstance(at, datetime)}
    return replace(record, **moved)
