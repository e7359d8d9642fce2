"""What the daemon told of itself: that it runs, by which settings, with which rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import all_asked_anew, folded
from opsagent.core.job import kept
from opsagent.core.phase import Outcome
from opsagent.core.renewal import replace
from opsagent.core.state import DeadMan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

KEEP_MEMORY = 24
"""Heartbeats of which a unit's memory is kept: half a day at the usual pace."""


@folded.register(ev.DaemonStarted)
def _(event: ev.DaemonStarted, state: State, recorded: Recorded) -> State:
    return replace(
        state,
        started_at=recorded.at,
        stopped_at=None,
        beat_due_at=recorded.at,
        version=event.version,
        pid=event.pid,
        missed=event.missed,
    )


@folded.register(ev.DaemonStopped)
def _(event: ev.DaemonStopped, state: State, recorded: Recorded) -> State:
    del event
    return replace(state, stopped_at=recorded.at)


@folded.register(ev.HeartbeatDone)
def _(event: ev.HeartbeatDone, state: State, recorded: Recorded) -> State:
    return replace(
        state,
        last_heartbeat_at=recorded.at,
        beat_due_at=recorded.at + state.heartbeat,
        complaints=event.lines,
        coming=event.coming,
        memory=_remembered(state, event),
    )


def _remembered(state: State, event: ev.HeartbeatDone) -> Mapping[str, tuple[float, ...]]:
    """Return the memory of the units at the last heartbeats; of one that does not run the curve stays as it was."""
    used = {one.unit: float(one.bytes) for one in event.memory}
    return {**state.memory, **{unit: (*state.memory.get(unit, ()), now)[-KEEP_MEMORY:] for unit, now in used.items()}}


@folded.register(ev.DeadManHeard)
def _(event: ev.DeadManHeard, state: State, recorded: Recorded) -> State:
    known = state.dead_man
    same = known is not None and bool(known.said) == bool(event.said)
    since = known.since if known is not None and same else recorded.at
    return replace(state, dead_man=DeadMan(at=recorded.at, since=since, said=event.said))


@folded.register(ev.SettingsApplied)
def _(event: ev.SettingsApplied, state: State, recorded: Recorded) -> State:
    known = {name: k for name, k in state.health.items() if name in event.checks}
    return replace(
        state,
        digest=event.digest,
        zone=event.zone,
        mode=event.mode,
        checks=event.checks,
        armed=event.armed,
        notifiers=event.notifiers,
        proven={name: at for name, at in state.proven.items() if name in event.notifiers},
        heartbeat=event.heartbeat,
        beat_due_at=recorded.at,  # new settings begin with a round of all checks
        budget=event.budget,
        dead_man=None,
        coming=tuple(one for one in state.coming if one.check in event.checks),
        refused=(),
        health=known,
        flapping=state.flapping & frozenset(event.checks),
        incidents=all_asked_anew(state),
        jobs=kept(state.jobs, event.jobs, recorded.at),
    )


@folded.register(ev.SettingsRefused)
def _(event: ev.SettingsRefused, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, refused=event.errors)


@folded.register(ev.RightsCompared)
def _(event: ev.RightsCompared, state: State, recorded: Recorded) -> State:
    """Once the rights fit, what systemd refused to do is asked again at once instead of in hours."""
    incidents = dict(state.incidents)
    for seq, incident in state.incidents.items():
        last = incident.actions[-1] if incident.actions else None
        if not event.lacking and last is not None and last.outcome is Outcome.REFUSED and last.attempt:
            incidents[seq] = replace(incident, next_repair_at=recorded.at)
    return replace(state, lacking=event.lacking, incidents=incidents)
