"""How near a change is to a unit that failed: its own, its packages', what it needs, the rest of the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core.change import Change, ChangeKind, phrase
from opsagent.core.roots import dependencies
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Collection

    from opsagent.core.incident import Incident
    from opsagent.core.world import World


class Nearness(StrEnum):
    """How near, the nearest first."""

    OWN = "own"
    PACKAGE = "package"
    DEPENDENCY = "dependency"
    HOST = "host"


_ORDER = tuple(Nearness)
_WORDS = {Nearness.OWN: "its own", Nearness.PACKAGE: "its package", Nearness.DEPENDENCY: "of what it needs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """A change as it is told with an incident: how near it is to its unit, and how long before it began."""

    change: Change
    nearness: Nearness
    age: timedelta

    def words(self) -> str:
        """Return it in a phrase: `4 min before, its own: configuration /etc/api.yaml edited, by ann`."""
        whose = f", {_WORDS[self.nearness]}" if self.nearness in _WORDS else ""
        return f"{spoken(self.age)} before{whose}: {phrase(self.change)}"


def near(change: Change, unit: str | None, needs: Collection[str]) -> Nearness:
    """Return how near a change is to a unit that needs those others."""
    if change.of(unit):
        return Nearness.PACKAGE if change.kind is ChangeKind.PACKAGE else Nearness.OWN
    return Nearness.DEPENDENCY if any(one in needs for one in change.units) else Nearness.HOST


def needs(world: World, incident: Incident) -> frozenset[str]:
    """Return the units that the unit of an incident needs: by `depends_on`, to any depth, and by systemd's word."""
    checks = [one for check in world.policy.checks_of(incident.key) for one in dependencies(world, check)]
    unit = world.state.units.get(incident.unit or "")
    return frozenset({*(one.unit for one in checks if one.unit), *(unit.pulls if unit is not None else ())})


def nearest(changes: Collection[Change], unit: str | None, needs: Collection[str], most: int) -> tuple[Change, ...]:
    """Return the changes to be told, newest first; where there are more, the nearest ones and of those the newest."""
    latest = sorted(changes, key=lambda one: one.at, reverse=True)
    ranked = sorted(latest, key=lambda one: _ORDER.index(near(one, unit, needs)))
    return tuple(sorted(ranked[:most], key=lambda one: one.at, reverse=True))


def aged(incident: Incident) -> tuple[Aged, ...]:
    """Return the changes of an incident in their order, newest first."""
    told = dict(zip(incident.changes, incident.nearness, strict=False))
    return tuple(
        Aged(change=one, nearness=Nearness(told.get(one, Nearness.HOST)), age=max(timedelta(), incident.began - one.at))
        for one in incident.changes
    )


def ranked(incident: Incident) -> tuple[Aged, ...]:
    """Return the same, the nearest first; of equally near ones the newest."""
    return tuple(sorted(aged(incident), key=lambda one: _ORDER.index(one.nearness)))
