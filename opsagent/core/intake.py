"""What an arrival means: the events it becomes, before anything follows from them."""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING

from opsagent.core import changes, inbox, own_stop
from opsagent.core import events as ev
from opsagent.core.archive.matched import matched, with_cause
from opsagent.core.archive.news import news
from opsagent.core.coming import coming
from opsagent.core.diagnosis import case
from opsagent.core.environment import decide
from opsagent.core.job import JobWatched
from opsagent.core.notices import notice_of
from opsagent.core.phase import Outcome
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.unit import HostConditions, StopSeen, UnitSnapshot

BACKOFF = tuple(timedelta(seconds=s) for s in (5, 15, 45, 120, 300))
LATEST = timedelta(seconds=1)
_SAME = ("load_state", "active_state", "sub_state", "result", "nrestarts", "invocation_id", "job", "unit_file_state")
# What the guards ask of a unit beside that: each is an input of a decision, and must be found in the log.
_ASKED = (
    "type",
    "need_daemon_reload",
    "changed_since_start",
    "triggered_by",
    "also",
    "inactive_exit_at",
    "reloaded_at",
)


@singledispatch
def drafts(arrival: inbox.Arrival, world: World) -> list[Draft]:
    """Return the events that an arrival becomes by itself; nothing for those that need more than the world."""
    del arrival, world
    return []


@drafts.register(inbox.HostSeen)
def _(arrival: inbox.HostSeen, world: World) -> list[Draft]:
    return host(world, arrival.conditions)


@drafts.register(inbox.ClockSeen)
def _(arrival: inbox.ClockSeen, world: World) -> list[Draft]:
    del world
    return [Draft(event=ev.ClockJumped(by=arrival.by))]


@drafts.register(inbox.Recalled)
def _(arrival: inbox.Recalled, world: World) -> list[Draft]:
    del world
    return list(arrival.facts)


@drafts.register(inbox.Started)
def _(arrival: inbox.Started, world: World) -> list[Draft]:
    del world
    return [Draft(event=ev.DaemonStarted(version=arrival.version, pid=arrival.pid, missed=arrival.missed))]


@drafts.register(inbox.Salvaged)
def _(arrival: inbox.Salvaged, world: World) -> list[Draft]:
    event = ev.LogSalvaged(kept_at=arrival.kept_at, damage=arrival.damage, salvaged=arrival.salvaged, lost=arrival.lost)
    return [Draft(event=event), *notice_of(world, event)]


@drafts.register(inbox.Stopping)
def _(arrival: inbox.Stopping, world: World) -> list[Draft]:
    del world
    return [Draft(event=ev.DaemonStopped(reason=arrival.reason))]


def unit(world: World, snapshot: UnitSnapshot) -> list[Draft]:
    """Record a unit that looks different from before; times and lists alone are not worth an event."""
    known = world.state.units.get(snapshot.name)
    if known is not None and all(getattr(known, name) == getattr(snapshot, name) for name in _SAME):
        return []
    return [Draft(event=ev.UnitObserved(snapshot=snapshot))]


def facts(world: World, snapshot: UnitSnapshot) -> list[Draft]:
    """Record what was read of a unit before a repair where the guards would answer otherwise than by what is known."""
    known = world.state.units.get(snapshot.name)
    if known is not None and all(getattr(known, name) == getattr(snapshot, name) for name in _ASKED):
        return unit(world, snapshot)
    return [Draft(event=ev.UnitObserved(snapshot=snapshot))]


def is_late(world: World, snapshot: UnitSnapshot) -> bool:
    """Whether a newer look at this unit is known already: what waited for the journal tells of the past.

    Only within a second: after the clock was set back everything would look late.
    """
    known = world.state.units.get(snapshot.name)
    return known is not None and timedelta() < known.read_at - snapshot.read_at < LATEST


def stops(world: World, seen: Iterable[StopSeen]) -> list[Draft]:
    """Record operators' stops of watched units; what fell with another unit was nobody's wish, what we stopped ours."""
    fresh = [stop for stop in seen if not stop.fell_with and world.state.stops.get(stop.unit) != stop]
    fresh = [stop for stop in fresh if not _is_ours(world, stop)]
    return [Draft(event=ev.OperatorStopped(stop=stop)) for stop in fresh if not _runs_again(world, stop)]


def _is_ours(world: World, stop: StopSeen) -> bool:
    own = world.state.own_stops.get(stop.unit)
    return own is not None and stop.at >= own.at


def _runs_again(world: World, stop: StopSeen) -> bool:
    known = world.state.units.get(stop.unit)
    started = known.active_enter_at if known is not None and known.active_state == "active" else None
    return started is not None and started > stop.at


def host(world: World, conditions: HostConditions) -> list[Draft]:
    """Record the host's conditions when they changed."""
    return [] if conditions == world.state.conditions else [Draft(event=ev.HostObserved(conditions=conditions))]


@drafts.register(inbox.ActionDone)
def action(done: inbox.ActionDone, world: World) -> list[Draft]:
    """Record what became of an order. An order that was refused never happened: its budget stays spent all the same."""
    incident = world.state.incidents.get(done.incident)
    known = next((a for a in incident.actions if a.seq == done.action), None) if incident else None
    if known is None or known.outcome is not Outcome.RUNNING or known.ended_at is not None:
        return []
    after = done.outcome.after
    event = ev.ActionEnded(
        action=done.action,
        result=done.outcome.result,
        reason=done.outcome.error or f"systemd said {done.outcome.result}",
        seconds=round(done.outcome.seconds, 3),
        invocation_id=after.invocation_id if after else "",
    )
    drafts = [Draft(event=event, incident=done.incident, because=done.action)]
    if done.outcome.output:
        lines = ev.EvidenceGathered(source=f"output of {known.remedy}", lines=done.outcome.output)
        drafts.append(Draft(event=lines, incident=done.incident, because=done.action))
    drafts += own_stop.told(world, known, event.result)
    return drafts + (unit(world, after) if after else [])


@drafts.register(inbox.EvidenceSeen)
def evidence(seen: inbox.EvidenceSeen, world: World) -> list[Draft]:
    """Keep evidence with its incident, while there is one."""
    if seen.incident not in world.state.incidents or not seen.lines:
        return []
    return [Draft(event=ev.EvidenceGathered(source=seen.source, lines=seen.lines), incident=seen.incident)]


def diagnosed(world: World, seq: int, evidence: Evidence) -> list[Draft]:
    """Name the cause of a failure and the pattern that speaks of it by what was read before acting."""
    found = case.found(world, seq, evidence)
    incident = world.state.incidents.get(seq)
    return found if incident is None else [*found, *matched(world, with_cause(incident, found), evidence)]


@drafts.register(inbox.SurroundingsSeen)
def _(seen: inbox.SurroundingsSeen, world: World) -> list[Draft]:
    found = case.sought(world, seen.incident, seen.evidence)
    incident = world.state.incidents.get(seen.incident)
    return found if incident is None else [*found, *matched(world, with_cause(incident, found), seen.evidence)]


@drafts.register(inbox.Tried)
def delivery(tried: inbox.Tried, world: World) -> list[Draft]:
    """Record what became of a message, and when it is tried again."""
    owed = world.state.owed.get(tried.key)
    if owed is None:
        return []
    reached = tuple(dict.fromkeys((*owed.targets, *tried.targets)))
    if tried.delivered:
        sent = ev.NotificationSent(key=tried.key, targets=reached)
        return [Draft(event=sent, incident=owed.incident, because=owed.seq)]
    wait = max(BACKOFF[min(owed.attempts, len(BACKOFF) - 1)], tried.retry_after or timedelta())
    next_at = world.now + wait if tried.retryable else None
    failed = ev.NotificationFailed(key=tried.key, reason=tried.reason, next_at=next_at, targets=reached)
    return [Draft(event=failed, incident=owed.incident, because=owed.seq)]


@drafts.register(inbox.Beat)
def beat(seen: inbox.Beat, world: World) -> list[Draft]:
    """Record a heartbeat with how the checks stood."""
    looks = [world.health(check.name) for check in world.policy.checks]
    blind = sum(1 for health in looks if health.is_blind)
    bad = sum(1 for health in looks if health.is_bad and not health.is_blind)
    event = ev.HeartbeatDone(
        good=len(looks) - bad - blind,
        bad=bad,
        blind=blind,
        late=round(seen.late, 1),
        seconds=round(seen.seconds, 2),
        lines=seen.lines,
        coming=coming(world, seen.past),
        memory=seen.memory,
    )
    return [Draft(event=event)]


@drafts.register(inbox.EnvironmentSeen)
def _(seen: inbox.EnvironmentSeen, world: World) -> list[Draft]:
    return decide.looked(world, seen)


@drafts.register(inbox.ListenersSeen)
def _(seen: inbox.ListenersSeen, world: World) -> list[Draft]:
    return decide.opened(world, seen.listeners, seen.earlier)


@drafts.register(inbox.LifeSigned)
def life_signed(seen: inbox.LifeSigned, world: World) -> list[Draft]:
    """Record whether the dead man's switch answers: when that changed, and else once in a heartbeat's time."""
    known = world.state.dead_man
    if known is None or bool(known.said) != bool(seen.said) or elapsed(known.at, world.now) >= world.policy.heartbeat:
        return [Draft(event=ev.DeadManHeard(said=seen.said))]
    return []


@drafts.register(inbox.LogsRead)
def _(read: inbox.LogsRead, world: World) -> list[Draft]:
    del world
    return [Draft(event=read.review)]


@drafts.register(inbox.GuidesSeen)
def _(seen: inbox.GuidesSeen, world: World) -> list[Draft]:
    known = world.state.guides
    if (known.sections, known.runbooks, known.entries) == (seen.sections, seen.runbooks, seen.entries):
        return []
    return [Draft(event=ev.GuidesRead(sections=seen.sections, runbooks=seen.runbooks, entries=seen.entries))]


@drafts.register(inbox.ArchiveSeen)
def _(seen: inbox.ArchiveSeen, world: World) -> list[Draft]:
    event = news(world.state.archive, seen.archive)
    return [] if event is None else [Draft(event=event)]


@drafts.register(inbox.Compared)
def _(seen: inbox.Compared, world: World) -> list[Draft]:
    incident = world.state.incidents.get(seen.incident)
    return [] if incident is None else matched(world, incident, seen.evidence, anew=True)


@drafts.register(inbox.TasksSeen)
def _(seen: inbox.TasksSeen, world: World) -> list[Draft]:
    return [Draft(event=ev.TasksRead(tasks=seen.tasks))] if seen.tasks != world.state.tasks else []


@drafts.register(inbox.SettingsRead)
def settings(read: inbox.SettingsRead, world: World) -> list[Draft]:
    """Record the settings that are in force, when they changed."""
    if world.state.digest == read.digest and not world.state.refused:
        return []
    policy = read.policy
    event = ev.SettingsApplied(
        digest=read.digest,
        text=read.text,
        zone=policy.zone,
        mode=policy.mode,
        checks=tuple(check.name for check in policy.checks),
        armed=tuple(check.name for check in policy.checks if check.repair),
        notifiers=tuple(notifier.name for notifier in policy.notifiers),
        heartbeat=policy.heartbeat,
        budget=policy.per_host,
        jobs=tuple(JobWatched(name=check.name, plan=check.job.key()) for check in policy.jobs if check.job),
    )
    return [Draft(event=event)]


@drafts.register(inbox.SettingsWrong)
def settings_wrong(wrong: inbox.SettingsWrong, world: World) -> list[Draft]:
    """Record settings that were refused, and tell somebody once, however often they are read."""
    if world.state.refused == wrong.errors:
        return []
    event = ev.SettingsRefused(errors=wrong.errors)
    return [Draft(event=event), *notice_of(world, event)]


@drafts.register(inbox.ChangesFound)
def changed(found: inbox.ChangesFound, world: World) -> list[Draft]:
    """Record what others changed."""
    return changes.new(world, found.changes)


@drafts.register(inbox.RightsSeen)
def rights(seen: inbox.RightsSeen, world: World) -> list[Draft]:
    """Record how the rule of polkit fits the settings, when that changed; tell somebody when it does not fit."""
    if world.state.lacking == seen.lacking:
        return []
    event = ev.RightsCompared(lacking=seen.lacking)
    return [Draft(event=event), *(notice_of(world, event) if seen.lacking else [])]
