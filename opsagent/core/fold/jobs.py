"""What jobs told of their runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import folded
from opsagent.core.job import Job, source_of
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

REMEMBERED = 30  # times of pings, as many as are taken in a minute


@folded.register(ev.JobPinged)
def _(event: ev.JobPinged, state: State, recorded: Recorded) -> State:
    job = state.jobs.get(event.job)
    if job is None:
        return state
    changed = _begun(job, event) if event.state == "start" else _ended(job, event)
    pings = (*job.pings, event.pinged_at)[-REMEMBERED:]
    return replace(state, jobs={**state.jobs, event.job: replace(changed, heard_at=recorded.at, pings=pings)})


def _begun(job: Job, event: ev.JobPinged) -> Job:
    begun = max(event.pinged_at, job.begun_at or event.pinged_at)
    changed = replace(job, begun_at=begun, started_at=event.pinged_at, run=event.run)
    return replace(changed, trouble=event.trouble, said=event.message)


def _ended(job: Job, event: ev.JobPinged) -> Job:
    """An end without its beginning began when it must have; that of another run leaves the one under way alone."""
    good, other = event.state == "ok", event.run not in ("", job.run)
    changed = job if other and job.started_at else replace(job, started_at=None, begun_at=_beginning(job, event))
    return replace(
        changed,
        ended_at=event.pinged_at,
        ok=good,
        ok_at=event.pinged_at if good else job.ok_at,
        seconds=event.seconds,
        exit_code=0 if good else event.exit_code,
        trouble=event.trouble,
        said=event.message,
        lines=() if good else event.lines,
    )


def _beginning(job: Job, event: ev.JobPinged) -> datetime:
    if job.started_at is not None:
        return job.begun_at or job.started_at
    begun = event.pinged_at - timedelta(seconds=event.seconds or 0)
    return max(begun, job.begun_at or begun)


@folded.register(ev.EvidenceGathered)
def _(event: ev.EvidenceGathered, state: State, recorded: Recorded) -> State:
    """What its incident has been given is no longer the job's to keep."""
    del recorded
    told = next((name for name in state.jobs if source_of(name) == event.source), None)
    return state if told is None else replace(state, jobs={**state.jobs, told: replace(state.jobs[told], lines=())})
