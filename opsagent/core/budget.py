"""How often we may act: per unit and per host, counting every unit that a job touches; and when we may again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.experience import PREPARING
from opsagent.core.timing import elapsed, spoken

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.state import Attempt
    from opsagent.core.world import World

DAY = timedelta(hours=24)
SLOW_RETRY = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=4), timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Why not now. `exhausted`: the sensible tries are used up, a person is needed; else it is only a wait."""

    reason: str
    again_at: datetime
    exhausted: bool


def spent(world: World, units: tuple[str, ...], incident: Incident, *, forced: bool = False) -> Spent | None:
    """Return what the budgets say against one more action on these units, or None.

    A person's order skips the wait between attempts, never the limits.
    """
    over = limited(world, units, incident)
    if over is not None or forced:
        return over
    return _given_up(world, units[0], incident) or wait(world, units[0])


def limited(world: World, units: tuple[str, ...], incident: Incident) -> Spent | None:
    """Return which limit of a unit or of the host is reached, or None."""
    for unit in units:
        over = _unit(world, unit, incident)
        if over is not None:
            return over
    return _host(world, units)


def used(world: World, unit: str, within: timedelta) -> tuple[Attempt, ...]:
    """Return the attempts that touched a unit within that time, oldest first."""
    return tuple(a for a in world.state.attempts if a.touched(unit) and elapsed(a.at, world.now) < within)


def left_of_host(world: World) -> int:
    """Return how many repairs the whole host may still have now."""
    limits = world.policy.per_host
    return max(0, limits.actions - sum(elapsed(a.at, world.now) < limits.within for a in world.state.attempts))


def left_of_unit(world: World, unit: str) -> int:
    """Return how many repairs a unit may still have now: the least of what its own limits and the host's leave."""
    limits, host = world.policy.per_unit, world.policy.per_host
    of_host = max(1, host.actions // 2) - len(used(world, unit, host.within))
    recent, today = (
        limits.attempts - len(used(world, unit, limits.within)),
        limits.per_day - len(used(world, unit, DAY)),
    )
    return max(0, min(of_host, recent, today, left_of_host(world)))


def _unit(world: World, unit: str, incident: Incident) -> Spent | None:
    limits = world.policy.per_unit
    today = used(world, unit, DAY)
    if len(today) >= limits.per_day:
        reason = f"{unit}: {len(today)} repairs in 24 h (limit {limits.per_day})"
        return _exhausted(world, incident, reason, today[-limits.per_day].at + DAY)
    recent = used(world, unit, limits.within)
    if len(recent) >= limits.attempts:
        reason = f"{unit}: {len(recent)} repairs in {spoken(limits.within)} (limit {limits.attempts})"
        return _exhausted(world, incident, reason, recent[-limits.attempts].at + limits.within)
    return None


def _given_up(world: World, unit: str, incident: Incident) -> Spent | None:
    """After giving up, one try is due after 1, 2, 4, then every 8 h: one, however much of the short window is free."""
    gave_up = incident.gave_up_at
    tries = [one for one in incident.actions if one.attempt and one.remedy not in PREPARING]
    if gave_up is None or not any(one.at > gave_up for one in tries):
        return None
    return _exhausted(world, incident, f"{unit}: given up, and one more try did not help", world.now)


def slow_retry_at(world: World, incident: Incident) -> datetime:
    """Return when the next slow try is due."""
    return world.now + SLOW_RETRY[min(incident.exhausted, len(SLOW_RETRY) - 1)]


def _exhausted(world: World, incident: Incident, reason: str, free_at: datetime) -> Spent:
    return Spent(reason=reason, again_at=max(slow_retry_at(world, incident), free_at), exhausted=True)


def _host(world: World, units: tuple[str, ...]) -> Spent | None:
    limits = world.policy.per_host
    recent = [a for a in world.state.attempts if elapsed(a.at, world.now) < limits.within]
    if len(recent) >= limits.actions:
        reason = f"{len(recent)} repairs on this host in {spoken(limits.within)} (limit {limits.actions})"
        return Spent(reason=reason, again_at=recent[-limits.actions].at + limits.within, exhausted=True)
    share = max(1, limits.actions // 2)
    for unit in units:
        mine = [a for a in recent if a.touched(unit)]
        if len(mine) >= share:
            reason = f"{unit} has had its {share} of the host's {limits.actions} repairs in {spoken(limits.within)}"
            return Spent(reason=reason, again_at=mine[-share].at + limits.within, exhausted=True)
    return None


def wait(world: World, unit: str) -> Spent | None:
    """`waits[i]` runs from the end of attempt i to attempt i+1, counted within the unit's window.

    What was prepared is followed at once.
    """
    limits = world.policy.per_unit
    recent = [a for a in used(world, unit, limits.within) if a.unit == unit]
    if not recent or not limits.waits or recent[-1].remedy in PREPARING:
        return None
    wait = limits.waits[min(len(recent), len(limits.waits)) - 1]
    last = recent[-1]
    again_at = (last.ended_at or last.at) + wait
    if world.now >= again_at or world.now < last.at:
        return None
    return Spent(reason=f"waits {spoken(wait)} after attempt {len(recent)}", again_at=again_at, exhausted=False)
