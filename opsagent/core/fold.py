"""Applying one event to the state: `fold` is the only way the state changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import singledispatch
from typing import TYPE_CHECKING, TypeVar

from opsagent.core import beats, shift, story
from opsagent.core import events as ev
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.phase import Outcome, Phase
from opsagent.core.renewal import replace
from opsagent.core.state import Attempt, Blip, Breaker, Day, DeadMan, Heal, Known, Owed, Past, State
from opsagent.core.timing import local_date
from opsagent.core.units import brought_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident

KEEP_ATTEMPTS = timedelta(hours=24)
KEEP_PAST = timedelta(days=30)
BLIPS_A_DAY = 50
_RESTARTS = ("restart", "reset_failed")
_BEATS_ANEW = (ev.HeartbeatDone, ev.DaemonStarted, ev.SettingsApplied)

K = TypeVar("K")
V = TypeVar("V")


def fold(state: State, recorded: Recorded) -> State:
    """Return the state after this event. Raises `IllegalTransitionError`, and then nothing changed."""
    changed = _about_incident(state, recorded) if recorded.incident is not None else state
    changed = _folded(recorded.event, changed, recorded)
    return replace(changed, seq=recorded.seq, at=recorded.at, day=_counted(state, changed, recorded))


def replay(state: State, recorded: Iterable[Recorded]) -> tuple[State, int]:
    """Fold a whole log, leniently: one impossible event is skipped and counted, for it must not stop a start."""
    skipped = 0
    for one in recorded:
        try:
            state = fold(state, one)
        except IllegalTransitionError:
            skipped += 1
    return state, skipped


def _about_incident(state: State, recorded: Recorded) -> State:
    seq = recorded.incident
    if isinstance(recorded.event, ev.IncidentSuspected):
        return _with_incident(state, story.opened(recorded))
    if seq is not None and seq in state.farewells and isinstance(recorded.event, story.DELIVERY):
        return replace(state, farewells={**state.farewells, seq: story.apply(state.farewells[seq], recorded)})
    incident = state.incidents.get(seq) if seq is not None else None
    if incident is None:
        return state
    changed = story.apply(incident, recorded)
    return _over(state, changed) if changed.state is Phase.CLOSED else _with_incident(state, changed)


def _with_incident(state: State, incident: Incident) -> State:
    return replace(state, incidents={**state.incidents, incident.seq: incident})


def _over(state: State, incident: Incident) -> State:
    """A closed incident leaves the state, once all is said; what recurrence needs of it stays for 30 days."""
    incidents = _without(state.incidents, incident.seq)
    if any(owed.incident == incident.seq for owed in state.owed.values()):
        state = replace(state, farewells={**state.farewells, incident.seq: incident})
    if incident.label is None or incident.closed_at is None:
        return replace(state, incidents=incidents)
    healed = any(a.outcome is Outcome.VERIFIED for a in incident.actions)
    seconds = (incident.mitigated_at - incident.first_bad_at).total_seconds() if incident.mitigated_at else None
    past = Past(
        seq=incident.seq,
        label=incident.label,
        key=incident.key,
        check=incident.check,
        fingerprint=incident.fingerprint,
        first_bad_at=incident.first_bad_at,
        closed_at=incident.closed_at,
        healed=healed,
        seconds=seconds,
    )
    oldest = incident.closed_at - KEEP_PAST
    kept = tuple(p for p in state.past if p.closed_at > oldest)
    return replace(state, incidents=incidents, past=(*kept, past))


@singledispatch
def _folded(event: ev.Event, state: State, recorded: Recorded) -> State:
    del event, recorded
    return state


@_folded.register(ev.DaemonStarted)
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


@_folded.register(ev.DaemonStopped)
def _(event: ev.DaemonStopped, state: State, recorded: Recorded) -> State:
    del event
    return replace(state, stopped_at=recorded.at)


@_folded.register(ev.HeartbeatDone)
def _(event: ev.HeartbeatDone, state: State, recorded: Recorded) -> State:
    return replace(
        state,
        last_heartbeat_at=recorded.at,
        beat_due_at=recorded.at + state.heartbeat,
        complaints=event.lines,
        coming=event.coming,
    )


@_folded.register(ev.DeadManHeard)
def _(event: ev.DeadManHeard, state: State, recorded: Recorded) -> State:
    known = state.dead_man
    same = known is not None and bool(known.said) == bool(event.said)
    since = known.since if known is not None and same else recorded.at
    return replace(state, dead_man=DeadMan(at=recorded.at, since=since, said=event.said))


@_folded.register(ev.SettingsApplied)
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
        incidents=_all_asked_anew(state),
    )


def _all_asked_anew(state: State) -> dict[int, Incident]:
    return {seq: story.asked_anew(one) for seq, one in state.incidents.items()}


@_folded.register(ev.SettingsRefused)
def _(event: ev.SettingsRefused, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, refused=event.errors)


@_folded.register(ev.RightsCompared)
def _(event: ev.RightsCompared, state: State, recorded: Recorded) -> State:
    """Once the rights fit, what systemd refused to do is asked again at once instead of in hours."""
    incidents = dict(state.incidents)
    for seq, incident in state.incidents.items():
        last = incident.actions[-1] if incident.actions else None
        if not event.lacking and last is not None and last.outcome is Outcome.REFUSED and last.attempt:
            incidents[seq] = replace(incident, next_repair_at=recorded.at)
    return replace(state, lacking=event.lacking, incidents=incidents)


@_folded.register(ev.HostObserved)
def _(event: ev.HostObserved, state: State, recorded: Recorded) -> State:
    """Where it is only the load's figure that changed, nobody is asked anew."""
    now, before = event.conditions, state.conditions
    overloaded = recorded.at if now.overload or before.overload else state.overloaded_at
    eased = replace(now, overload="") != replace(before, overload="") or not now.overload
    incidents = _all_asked_anew(state) if eased else state.incidents
    return replace(state, conditions=now, overloaded_at=overloaded, incidents=incidents)


@_folded.register(ev.UnitObserved)
def _(event: ev.UnitObserved, state: State, recorded: Recorded) -> State:
    del recorded
    seen = event.snapshot
    news = not brought_back(state.units.get(seen.name), seen)
    active_at = {**state.active_at, seen.name: seen.active_enter_at} if seen.active_enter_at else state.active_at
    held = {
        seq: story.asked_anew(one) if news and one.unit == seen.name else one for seq, one in state.incidents.items()
    }
    return replace(state, units={**state.units, seen.name: seen}, active_at=active_at, incidents=held)


@_folded.register(ev.OperatorStopped)
def _(event: ev.OperatorStopped, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, stops={**state.stops, event.stop.unit: event.stop})


@_folded.register(ev.OperatorStopEnded)
def _(event: ev.OperatorStopEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, stops=_without(state.stops, event.unit), incidents=_all_asked_anew(state))


@_folded.register(ev.ClockJumped)
def _(event: ev.ClockJumped, state: State, recorded: Recorded) -> State:
    return replace(shift.shifted(state, event.by), overloaded_at=recorded.at, beat_due_at=recorded.at)


@_folded.register(ev.HealthChanged)
def _(event: ev.HealthChanged, state: State, recorded: Recorded) -> State:
    known = Known(status=event.now, since=recorded.at, message=event.message, failure_class=event.failure_class)
    return replace(state, health={**state.health, event.check: known})


@_folded.register(ev.FlappingStarted)
def _(event: ev.FlappingStarted, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, flapping=state.flapping | {event.check})


@_folded.register(ev.FlappingEnded)
def _(event: ev.FlappingEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, flapping=state.flapping - {event.check}, incidents=_all_asked_anew(state))


@_folded.register(ev.BreakerOpened)
def _(event: ev.BreakerOpened, state: State, recorded: Recorded) -> State:
    opened_at = state.breaker.opened_at if state.breaker else recorded.at
    return replace(state, breaker=Breaker(opened_at=opened_at, last_at=recorded.at, keys=event.keys))


@_folded.register(ev.BreakerClosed)
def _(event: ev.BreakerClosed, state: State, recorded: Recorded) -> State:
    del event, recorded
    return replace(state, breaker=None, incidents=_all_asked_anew(state))


@_folded.register(ev.ActionRequested)
def _(event: ev.ActionRequested, state: State, recorded: Recorded) -> State:
    attempt = Attempt(
        action=recorded.seq,
        incident=recorded.incident or 0,
        unit=event.unit,
        also=event.also,
        at=recorded.at,
    )
    kept = tuple(a for a in state.attempts if recorded.at - a.at < KEEP_ATTEMPTS)
    return replace(state, attempts=(*kept, attempt))


@_folded.register(ev.ActionEnded)
def _(event: ev.ActionEnded, state: State, recorded: Recorded) -> State:
    attempts = tuple(replace(a, ended_at=recorded.at) if a.action == event.action else a for a in state.attempts)
    return replace(state, attempts=attempts)


@_folded.register(ev.ActionJudged)
def _(event: ev.ActionJudged, state: State, recorded: Recorded) -> State:
    done = event.outcome == Outcome.VERIFIED
    attempts = tuple(replace(a, verified=done) if a.action == event.action else a for a in state.attempts)
    attempt = next((a for a in attempts if a.action == event.action), None)
    if not done or attempt is None:
        return replace(state, attempts=attempts)
    heal = Heal(unit=attempt.unit, at=recorded.at, incident=attempt.incident)
    oldest = recorded.at - KEEP_PAST
    kept = tuple(h for h in state.heals if h.at > oldest)
    return replace(state, attempts=attempts, heals=(*kept, heal))


@_folded.register(ev.ChronicHealing)
def _(event: ev.ChronicHealing, state: State, recorded: Recorded) -> State:
    return replace(state, chronic_told={**state.chronic_told, event.unit: recorded.at})


@_folded.register(ev.NotificationQueued)
def _(event: ev.NotificationQueued, state: State, recorded: Recorded) -> State:
    owed = Owed(
        key=event.key,
        seq=recorded.seq,
        notifier=event.notifier,
        level=event.level,
        kind=event.kind,
        incident=recorded.incident,
        title=event.title,
        body=event.body,
        reason=event.reason,
        queued_at=recorded.at,
        next_at=recorded.at,
        expires_at=event.expires_at,
    )
    return replace(state, owed={**state.owed, event.key: owed})


@_folded.register(ev.NotificationSent)
def _(event: ev.NotificationSent, state: State, recorded: Recorded) -> State:
    owed = state.owed.get(event.key)
    proven = {**state.proven, owed.notifier: recorded.at} if owed is not None else state.proven
    return replace(_not_owed(state, event.key), proven=proven)


@_folded.register(ev.NotificationExpired)
def _(event: ev.NotificationExpired, state: State, recorded: Recorded) -> State:
    del recorded
    return _not_owed(state, event.key)


def _not_owed(state: State, key: str) -> State:
    owed = _without(state.owed, key)
    awaited = {one.incident for one in owed.values()}
    farewells = {seq: incident for seq, incident in state.farewells.items() if seq in awaited}
    return replace(state, owed=owed, farewells=farewells)


@_folded.register(ev.NotificationFailed)
def _(event: ev.NotificationFailed, state: State, recorded: Recorded) -> State:
    del recorded
    owed = state.owed.get(event.key)
    if owed is None or event.next_at is None:
        return _not_owed(state, event.key)
    tried = replace(
        owed,
        attempts=owed.attempts + 1,
        next_at=event.next_at,
        targets=event.targets,
        last_error=event.reason,
    )
    return replace(state, owed={**state.owed, event.key: tried})


@_folded.register(ev.PauseSet)
def _(event: ev.PauseSet, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, pauses={**state.pauses, event.target: event})


@_folded.register(ev.PauseEnded)
def _(event: ev.PauseEnded, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, pauses=_without(state.pauses, event.target), incidents=_all_asked_anew(state))


def _without(mapping: Mapping[K, V], key: K) -> dict[K, V]:
    return {k: v for k, v in mapping.items() if k != key}


def _counted(before: State, state: State, recorded: Recorded) -> Day:
    """Keep the figures of the local day."""
    day = _day(state, recorded.at)
    if isinstance(recorded.event, _BEATS_ANEW) and (gone := beats.missed(before, recorded.at)):
        day = replace(day, missed=day.missed + gone)
    return _figures(recorded.event, day, recorded)


def _day(state: State, at: datetime) -> Day:
    today = local_date(at, state.zone)
    return state.day if state.day is not None and state.day.date == today else Day(date=today)


def _figures(event: ev.Event, day: Day, recorded: Recorded) -> Day:
    match event:
        case ev.HeartbeatDone():
            return replace(
                day,
                heartbeats=day.heartbeats + 1,
                last_heartbeat_at=recorded.at,
                good=event.good,
                bad=event.bad,
                blind=event.blind,
            )
        case ev.ActionRequested():
            other = event.remedy not in _RESTARTS
            return replace(day, actions=(*day.actions, recorded.at), others=day.others + other)
        case ev.LevelPaged():
            return replace(day, pages=day.pages + 1)
        case ev.ActionJudged(outcome=Outcome.VERIFIED) if recorded.incident not in day.healed:
            return replace(day, healed=(*day.healed, recorded.incident or 0))
        case ev.BlipSeen():
            blip = Blip(check=event.check, message=event.message, at=recorded.at)
            return replace(day, blips=(*day.blips, blip)[-BLIPS_A_DAY:])
        case _:
            return day
