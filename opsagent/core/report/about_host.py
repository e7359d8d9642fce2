"""Entries about the daemon, its settings, its host, and the people who hold its hands."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import singledispatch

from opsagent.core import events as ev
from opsagent.core.observation import Status
from opsagent.core.report.entry import Scene, told
from opsagent.core.report.markdown import code, inline
from opsagent.core.text import some
from opsagent.core.timing import spoken

LATE = 60.0
LINES = 10
_DIGITS = re.compile(r"[0-9]+")


@singledispatch
def host_story(event: ev.Event, scene: Scene) -> str:
    """Return the entry that this event is worth, "" for none."""
    del event, scene
    return ""


def _names(names: tuple[str, ...]) -> str:
    return some((inline(name, 64) for name in names), LINES) or "none"


def _codes(lines: tuple[str, ...]) -> list[str]:
    more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return [*(code(line) for line in lines[:LINES]), *more]


@host_story.register(ev.DaemonStarted)
def _(event: ev.DaemonStarted, scene: Scene) -> str:
    if not scene.before.digest:
        return ""  # the very first start: before the settings nobody knows the zone, so they tell of it
    gap = f" · nobody looked for {spoken(event.missed)}" if event.missed > timedelta() else ""
    died = scene.before.started_at is not None and scene.before.stopped_at is None
    why = "**Before** it had ended without a word (killed, or the host went down)" if died else ""
    return told(f"{scene.now()} opsagent {inline(event.version, 40)} started{gap}", why)


@host_story.register(ev.LogSalvaged)
def _(event: ev.LogSalvaged, scene: Scene) -> str:
    return told(
        f"{scene.now()} the event log was damaged and is set aside",
        f"**Saw** {inline(event.damage)}",
        f"**Did** carried over {event.salvaged} events; {event.lost} could not be read",
        f"**Kept** {code(event.kept_at)}",
    )


@host_story.register(ev.DaemonStopped)
def _(event: ev.DaemonStopped, scene: Scene) -> str:
    return told(f"{scene.now()} opsagent stopped · nobody looks until it runs again", f"**Why** {inline(event.reason)}")


@host_story.register(ev.SettingsApplied)
def _(event: ev.SettingsApplied, scene: Scene) -> str:
    if event.digest == scene.before.digest:
        return ""
    new = tuple(name for name in event.checks if name not in scene.before.checks)
    gone = tuple(name for name in scene.before.checks if name not in event.checks)
    changed = bool(scene.before.digest)
    what = "settings applied" if changed else f"opsagent {inline(scene.after.version, 40)} looks after this host"
    return told(
        f"{scene.now()} {what} · {len(event.checks)} checks · mode {inline(event.mode, 20)}",
        f"**Armed** {_names(event.armed)}",
        f"**New** {_names(new)}" if changed and new else "",
        f"**Gone** {_names(gone)}" if gone else "",
    )


@host_story.register(ev.SettingsRefused)
def _(event: ev.SettingsRefused, scene: Scene) -> str:
    return told(f"{scene.now()} new settings refused · the old ones stay in force", *_codes(event.errors))


@host_story.register(ev.RightsCompared)
def _(event: ev.RightsCompared, scene: Scene) -> str:
    if not event.lacking:
        return told(f"{scene.now()} the rights fit the settings again") if scene.before.lacking else ""
    return told(f"{scene.now()} **the rights do not fit the settings**", f"**Because** {inline(event.lacking)}")


@host_story.register(ev.ClockJumped)
def _(event: ev.ClockJumped, scene: Scene) -> str:
    way = "forward" if event.by > timedelta() else "back"
    return told(f"{scene.now()} the clock was set {way} by {spoken(abs(event.by))} · deadlines moved with it")


@host_story.register(ev.HostObserved)
def _(event: ev.HostObserved, scene: Scene) -> str:
    before, now = scene.before.conditions.hold, event.conditions.hold
    if bool(before) == bool(now):
        return ""
    if now:
        return told(f"{scene.now()} HOLD is set · nothing is repaired", f"**Says** {code(now)}")
    return told(f"{scene.now()} HOLD is lifted · repairs go on")


@host_story.register(ev.OperatorStopped)
def _(event: ev.OperatorStopped, scene: Scene) -> str:
    stop = event.stop
    if stop.fell_with:
        return ""
    by = f" by {inline(stop.by, 40)}" if stop.by else " by an operator"
    return told(
        f"{scene.now()} {inline(stop.unit, 80)} stopped{by} · left alone",
        f"**Saw** a stop job at {scene.when(stop.at)}; nothing is done until it runs again",
    )


@host_story.register(ev.OperatorStopEnded)
def _(event: ev.OperatorStopEnded, scene: Scene) -> str:
    stop = scene.before.stops.get(event.unit)
    since = f", {spoken(scene.at - stop.at)} after it was stopped" if stop and scene.at > stop.at else ""
    return told(f"{scene.now()} {inline(event.unit, 80)} runs again{since}")


@host_story.register(ev.PauseSet)
def _(event: ev.PauseSet, scene: Scene) -> str:
    quiet = " and ".join(what for what, on in (("no pages", event.pages), ("no repairs", event.repairs)) if on)
    return told(
        f"{scene.now()} {inline(event.target, 80)} paused until {scene.when(event.until)}",
        f"**By** {inline(event.by, 40)}: {quiet}",
        f"**Because** {code(event.reason)}",
    )


@host_story.register(ev.PauseEnded)
def _(event: ev.PauseEnded, scene: Scene) -> str:
    by = f" by {inline(event.by, 40)}" if event.by else ""
    return told(f"{scene.now()} the pause of {inline(event.target, 80)} ended{by}")


@host_story.register(ev.FlappingStarted)
def _(event: ev.FlappingStarted, scene: Scene) -> str:
    return told(
        f"{scene.now()} {inline(event.check, 64)} is flapping · no repairs, no pages",
        f"**Saw** {event.percent:.0f} % of its last looks were changes; you are told how it ends",
    )


@host_story.register(ev.FlappingEnded)
def _(event: ev.FlappingEnded, scene: Scene) -> str:
    ended = "good" if event.status is Status.OK else event.status.value
    return told(f"{scene.now()} {inline(event.check, 64)} is steady again · {ended}")


@host_story.register(ev.BreakerOpened)
def _(event: ev.BreakerOpened, scene: Scene) -> str:
    if scene.before.breaker is not None:
        return ""
    return told(
        f"{scene.now()} many things failed at once · all repairs stopped",
        f"**Saw** {inline(event.reason)}",
        "**Next** repairs go on after ten quiet minutes",
    )


@host_story.register(ev.BreakerClosed)
def _(event: ev.BreakerClosed, scene: Scene) -> str:
    del event
    return told(f"{scene.now()} ten quiet minutes · repairs go on")


@host_story.register(ev.ChronicHealing)
def _(event: ev.ChronicHealing, scene: Scene) -> str:
    return told(
        f"{scene.now()} {inline(event.unit, 80)} **needs you** although it is good",
        f"**Saw** {inline(event.said) or f'repaired {event.heals} times within {spoken(event.within)}'}",
    )


@host_story.register(ev.FindingReceived)
def _(event: ev.FindingReceived, scene: Scene) -> str:
    return told(
        f"{scene.now()} the health check looked while opsagent did not",
        f"**At** {scene.when(event.found_at)} it found:",
        *_codes(event.findings),
    )


@host_story.register(ev.HeartbeatDone)
def _(event: ev.HeartbeatDone, scene: Scene) -> str:
    """Told when it was late or says something new; the same complaint with another figure is nothing new."""
    late = f" · {spoken(timedelta(seconds=event.late))} late" if event.late > LATE else ""
    known = {_DIGITS.sub("", line) for line in scene.before.complaints}
    lines = [line for line in event.lines if line.strip() and _DIGITS.sub("", line) not in known][:LINES]
    if not late and not lines:
        return ""
    looked = f"{event.good} good, {event.bad} bad, {event.blind} blind"
    return told(f"{scene.now()} heartbeat{late} · {looked}", *(f"**Changed** {inline(line)}" for line in lines))


@host_story.register(ev.DeadManHeard)
def _(event: ev.DeadManHeard, scene: Scene) -> str:
    known = scene.before.dead_man
    if event.said and (known is None or not known.said):
        return told(f"{scene.now()} **the dead man's switch does not answer**", f"**Because** {inline(event.said)}")
    if not event.said and known is not None and known.said:
        return told(f"{scene.now()} the dead man's switch answers again, after {spoken(scene.at - known.since)}")
    return ""


@host_story.register(ev.EnvironmentDrifted)
def _(event: ev.EnvironmentDrifted, scene: Scene) -> str:
    if len(event.lines) == 1:
        return told(f"{scene.now()} changed: {inline(event.lines[0], 200)}")
    lines = [f"**Changed** {inline(line, 200)}" for line in event.lines[:LINES]]
    more = f"and {len(event.lines) - LINES} more" if len(event.lines) > LINES else ""
    return told(f"{scene.now()} {len(event.lines)} things changed", *lines, more)


@host_story.register(ev.NotificationFailed)
def _(event: ev.NotificationFailed, scene: Scene) -> str:
    return _undelivered(event.key, event.reason, scene) if event.next_at is None else ""


@host_story.register(ev.NotificationExpired)
def _(event: ev.NotificationExpired, scene: Scene) -> str:
    """Told when it grew too old; one that nobody needs any more (it was taken before) is no news."""
    owed = scene.before.owed.get(event.key)
    return _undelivered(event.key, event.reason, scene) if owed and owed.expires_at <= scene.at else ""


def _undelivered(key: str, reason: str, scene: Scene) -> str:
    owed = scene.before.owed.get(key)
    if owed is None:
        return ""
    return told(
        f"{scene.now()} **not delivered** by {inline(owed.notifier, 64)}",
        f"**Message** {code(owed.title)}",
        f"**Because** {code(reason)}",
    )


@host_story.register(ev.MemoryPurged)
def _(event: ev.MemoryPurged, scene: Scene) -> str:
    return told(f"{scene.now()} event {event.purged} was purged", f"**Because** {code(event.because)}")
