"""How long a start may take: learned from the unit's own starts. Until then a bad look after a start says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Status
from opsagent.core.starts import Starts
from opsagent.core.timing import spoken
from opsagent.core.world import Draft

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from opsagent.core.observation import Observation
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.unit import UnitSnapshot
    from opsagent.core.world import World

GUESS = timedelta(seconds=60)
"""What a start may take as long as too few are known."""
ENOUGH = 3
LEAST, MOST = timedelta(seconds=5), timedelta(minutes=5)
"""What is learned stays between these: what takes 0.2 s may take 3 on a busy day, and no wait is endless."""
_FACTOR, _MARGIN = 1.5, timedelta(seconds=1)
_SOON = timedelta(seconds=1)
_RUNS = ("active", "reloading")
# What is good for these need not answer yet.
_SAYS_NOTHING = ("unit", "journal", "job", "login", "backup")
_SLOWEST = timedelta(minutes=2)
"""What is looked at more rarely is no program to be run again and again while something starts."""
_NONE_KNOWN = Starts()


class Source(StrEnum):
    """By whose word a start may take so long."""

    SET = "set"
    LEARNED = "learned"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How long a start may take, and by whose word; `starts` are those that are known of the unit."""

    within: timedelta
    source: Source
    starts: Starts


def allowance(world: World, check: CheckPolicy) -> Allowance:
    """Return how long a start of a check's unit may take: the operator's word, else what was learned, else a guess."""
    starts = world.state.starts.get(check.unit or "", _NONE_KNOWN)
    if check.confirm.start_within is not None:
        return Allowance(within=check.confirm.start_within, source=Source.SET, starts=starts)
    if len(starts.seconds) < ENOUGH:
        return Allowance(within=GUESS, source=Source.GUESSED, starts=starts)
    learned = timedelta(seconds=starts.p95) * _FACTOR + _MARGIN
    return Allowance(within=min(max(learned, LEAST), MOST), source=Source.LEARNED, starts=starts)


def start_within(world: World, check: CheckPolicy) -> timedelta:
    """Return how long a start of a check's unit may take."""
    return allowance(world, check).within


def said(world: World, check: CheckPolicy) -> str:
    """Say how long a start may take and why so; "" for a check without a unit."""
    if check.unit is None:
        return ""
    found = allowance(world, check)
    known, waits = found.starts, f"waits up to {spoken(found.within)} after a start"
    if found.source is Source.SET:
        return f"{waits}: set"
    if found.source is Source.GUESSED:
        return f"{waits}: a guess until {ENOUGH} starts are known, now {len(known.seconds)}"
    took = f"median {spoken(timedelta(seconds=known.median))}, p95 {spoken(timedelta(seconds=known.p95))}"
    return f"{waits}: learned from {len(known.seconds)} starts, {took}"


def starting(world: World) -> Iterator[tuple[datetime, CheckPolicy]]:
    """Yield each check that was not good yet since its unit started, with that time, until a bad look counts."""
    for unit in world.state.units.values():
        begun = unit.inactive_exit_at
        if begun is None or unit.active_state not in _RUNS or world.now - begun > MOST:
            continue
        for check in _tellers(world, unit.name):
            looked_at = world.health(check.name).at
            over = looked_at is not None and looked_at >= begun + start_within(world, check)
            if begun <= world.now and not over and not _good_since(world, check, begun):
                yield begun, check


def seen(world: World, check: CheckPolicy, look: Observation) -> list[Draft]:
    """Record a start that ended well, with the look that shows the last of the unit's checks good.

    `world` is as it was before that look. What nobody watched closely enough is not counted: it would look too long.
    """
    unit = world.state.units.get(check.unit or "")
    begun = unit.inactive_exit_at if unit is not None else None
    if unit is None or begun is None or look.reading.status is not Status.OK or unit.active_state not in _RUNS:
        return []
    took = look.at - begun
    if not timedelta() < took <= _longest(world, check) or not _is_last(world, check, begun):
        return []
    if _known_already(world, unit) or _disturbed(world, unit, begun) or not _watched(world, check, look, begun):
        return []
    event = ev.StartupSeen(unit=unit.name, seconds=round(took.total_seconds(), 3), invocation_id=unit.invocation_id)
    return [Draft(event=event)]


def _tellers(world: World, unit: str) -> tuple[CheckPolicy, ...]:
    checks = world.policy.checks_of(unit)
    return tuple(check for check in checks if check.kind not in _SAYS_NOTHING and check.every <= _SLOWEST)


def _is_last(world: World, check: CheckPolicy, begun: datetime) -> bool:
    """Whether this look makes it complete: the check itself was not good yet since the start, all others were."""
    checks = _tellers(world, check.unit or "")
    waiting = [one.name for one in checks if not _good_since(world, one, begun)]
    return waiting == [check.name]


def _good_since(world: World, check: CheckPolicy, begun: datetime) -> bool:
    good_at = world.health(check.name).last_good_at
    return good_at is not None and good_at > begun


def _longest(world: World, check: CheckPolicy) -> timedelta:
    """What took far longer than usual was no mere start: it waited for something, or somebody mended it."""
    within = start_within(world, check)
    return max(within, min(max(2 * within, GUESS), MOST))


def _known_already(world: World, unit: UnitSnapshot) -> bool:
    known = world.state.starts.get(unit.name, _NONE_KNOWN).invocation_id
    return bool(known) and known == unit.invocation_id


def _disturbed(world: World, unit: UnitSnapshot, begun: datetime) -> bool:
    """Whether something was done about it meanwhile, or the clock was set: then the time is not the service's own."""
    acted = any(attempt.at > begun and attempt.touched(unit.name) for attempt in world.state.attempts)
    jumped = world.state.jumped_at
    return acted or (jumped is not None and world.now - jumped < MOST)


def _watched(world: World, check: CheckPolicy, look: Observation, begun: datetime) -> bool:
    """Whether we looked shortly before, or it has just started: it was not good long before we saw it."""
    last = world.health(check.name).at
    known_bad_at = last if last is not None and last > begun else begun
    looked = look.at - timedelta(seconds=look.seconds)
    return begun <= looked <= known_bad_at + 1.5 * max(check.confirm.retry, _SOON)
