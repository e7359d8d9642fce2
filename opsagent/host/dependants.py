"""Which units a restart of one unit would restart too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.host.bus import UNIT, Bus, BusError, get, manager_call
from opsagent.host.unit_names import object_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsagent.host.properties import Properties

# systemd passes a restart on along these (its PROPAGATE_RESTART), to units that are up, and from there on.
_PASSED_ON = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf")
_UP = frozenset({"active", "activating", "reloading"})
_MOST = 200


def restarted_too(bus: Bus, name: str, unit: Properties) -> tuple[str, ...]:
    """Walk the units that a restart of `name` is passed on to; a unit that is down ends the walk there."""
    found: set[str] = set()
    seen = {name}
    batch = [other for other in unit.names(*_PASSED_ON) if other != name]
    while batch and len(seen) < _MOST:
        seen.update(batch)
        up = _those_up(bus, batch)
        found.update(up)
        batch = sorted(set(_dependants(bus, up)) - seen)
    return tuple(sorted(found))


def _those_up(bus: Bus, units: Sequence[str]) -> list[str]:
    rows = bus.call(manager_call("ListUnitsByNames", "as", list(units)))[0]
    return [row[0] for row in rows if row[3] in _UP]


def _dependants(bus: Bus, units: Sequence[str]) -> list[str]:
    calls = [get(object_path(unit), UNIT, name) for unit in units for name in _PASSED_ON]
    answers = bus.call_many(calls) if calls else []
    return [name for answer in answers if not isinstance(answer, BusError) for name in answer[0][1]]
