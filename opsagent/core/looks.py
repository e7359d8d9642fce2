"""Which looks count: time-outs of an overloaded host do not, nor failing looks at a unit that is still starting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.health import Health, notice, see
from opsagent.core.observation import Observation, Status
from opsagent.core.startup import start_within
from opsagent.core.timing import elapsed
from opsagent.core.units import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opsagent.core.policy import CheckPolicy
    from opsagent.core.unit import UnitSnapshot
    from opsagent.core.world import World

OVERLOAD_LASTS = timedelta(seconds=120)
# Whoever is dead logs no errors.
_BLIND_TO_DEATH = ("journal",)
_STARTING = ("active", "activating", "reloading")


def overloaded(world: World) -> str:
    """Return why a time-out says nothing: the host is, or was within the last 120 s, too busy, or its clock was set."""
    conditions = world.state.conditions
    if conditions.overload:
        return conditions.overload
    at = world.state.overloaded_at
    if at is None or elapsed(at, world.now) >= OVERLOAD_LASTS:
        return ""
    what = "the clock was set" if at == world.state.jumped_at else "the host was overloaded"
    return f"{what} within the last 120 s"


def looked(world: World, seen: Observation, check: CheckPolicy) -> Health:
    """Return the health of a check after one more look, as far as that look says something about the service."""
    health = world.health(check.name)
    if seen.reading.status is Status.OK and check.kind in _BLIND_TO_DEATH and _is_dead(world, check):
        return notice(health, _unknown(seen, f"{check.unit} does not run"))
    if seen.reading.status not in (Status.CRITICAL, Status.WARNING) or seen.reading.conclusive:
        return see(health, seen, check)
    starting = _starting(world, check)
    if starting:
        return notice(health, _unknown(seen, starting))
    busy = overloaded(world) if seen.reading.timed_out else ""
    return see(health, _unknown(seen, busy) if busy else seen, check)


def _is_dead(world: World, check: CheckPolicy) -> bool:
    """Whether systemd's last word of the check's unit is that it is dead."""
    unit = world.state.units.get(check.unit) if check.unit else None
    return unit is not None and judge(unit).status is Status.CRITICAL


def begun_anew(looks: Mapping[str, Health], checks: Iterable[CheckPolicy]) -> dict[str, Health]:
    """Return the health of these checks with nothing known: what was seen while a person had it stopped is no failure.

    The next looks are counted from the first, as after a start of ours.
    """
    return {check.name: _begun_anew(looks[check.name]) for check in checks if check.name in looks}


def _begun_anew(health: Health) -> Health:
    blank = replace(health, status=Status.UNKNOWN, settled=False)
    return replace(blank, good=0, good_since=None, bad=0, bad_since=None)


def _unknown(seen: Observation, why: str) -> Observation:
    message = f"{seen.reading.message} (not counted: {why})"
    return replace(seen, reading=replace(seen.reading, status=Status.UNKNOWN, message=message))


def _starting(world: World, check: CheckPolicy) -> str:
    unit = world.state.units.get(check.unit) if check.unit else None
    started = just_started(unit, world, check) if unit else None
    if unit is None or started is None:
        return ""
    good_at = world.health(check.name).last_good_at
    if good_at is not None and unit.inactive_exit_at is not None and good_at > unit.inactive_exit_at:
        return ""
    if "auto-restart" in unit.sub_state:
        return f"systemd restarts {unit.name} by itself"
    return f"{unit.name} started {elapsed(unit.inactive_exit_at or world.now, world.now).total_seconds():.0f} s ago"


def just_started(unit: UnitSnapshot, world: World, check: CheckPolicy) -> timedelta | None:
    """Return how long a running unit has been starting, or None once `start_within` has passed.

    From InactiveExit, not ActiveEnter: counting from the latter kills a slow service again and again while it starts.
    """
    if unit.active_state not in _STARTING or unit.inactive_exit_at is None:
        return None
    ago = elapsed(unit.inactive_exit_at, world.now)
    return ago if ago < start_within(world, check) else None
