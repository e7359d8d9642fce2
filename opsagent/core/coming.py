"""What is coming: file systems that fill up, certificates that end, while there is time to do something about it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.trend import Coming, forecast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsagent.core.observation import Measure
    from opsagent.core.trend import Point
    from opsagent.core.world import World

MOST = 5
NEAR_END = 30.0
"""Days; what renews certificates by itself does so a month before their end, and now it has not."""


def coming(world: World, past: Mapping[str, Sequence[Point]]) -> tuple[Coming, ...]:
    """Return what the checks will say some day, the soonest first. `past` is what was recorded of their numbers."""
    found = [
        one
        for check in world.policy.checks
        for measure in _measures(world, check.name)
        if (one := _one(check.name, measure, past.get(check.name, ()), world)) is not None
    ]
    return tuple(sorted(found, key=lambda one: one.at)[:MOST])


def _measures(world: World, check: str) -> tuple[Measure, ...]:
    reading = world.health(check).reading
    return reading.measures if reading is not None else ()


def _one(check: str, measure: Measure, points: Sequence[Point], world: World) -> Coming | None:
    if measure.name == "tls_days" and 0 < measure.value < NEAR_END:
        ends = world.now + timedelta(days=measure.value)
        return Coming(check=check, value=round(measure.value, 1), limit=0, per_day=-1, at=ends, unit="days")
    if measure.name == "disk" and measure.limit is not None:
        return forecast(check, measure.value, measure.limit, points, world.now)
    return None
