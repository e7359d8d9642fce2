"""When to look next: at the check's own pace, more often while something is being decided about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import in_order
from opsagent.core.jobs import looked_at
from opsagent.core.phase import Phase, Repair
from opsagent.core.recovery import judges
from opsagent.core.roots import dependencies
from opsagent.core.startup import start_within, starting

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.state import State
    from opsagent.core.world import World

# Seconds after an order was carried out. A service is most often good again within two seconds.
PROBES = (0.1, 0.2, 0.4, 0.8, 1.6)
# While nothing listens yet a look costs nobody anything, and the moment it does is the end of the outage.
NOTHING_THERE = ("refused", "absent")
AGAIN = timedelta(milliseconds=200)
# In these an incident waits for a person or for minutes to pass, whatever its checks say.
_SLOW = frozenset({Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.RESOLVED, Phase.CLOSED})
_STILL = frozenset({Repair.IDLE, Repair.EXHAUSTED, Repair.HELD})


def is_hasty(state: State) -> bool:
    """Whether an action is under way: then any look may be the end of the outage."""
    return any(incident.running is not None for incident in state.incidents.values())


def is_at_rest(state: State) -> bool:
    """Whether nothing that is open moves by the second: no message is owed, no repair waits or runs."""
    slow = (one.state in _SLOW and one.repair in _STILL for one in state.incidents.values())
    return not state.owed and all(slow)


def hurried(world: World) -> dict[str, datetime]:
    """Return the checks that are to be looked at sooner than their own pace asks, and when."""
    soon = looked_at(world)
    for begun, check in starting(world):
        due = _while_it_starts(world, check, begun)
        soon[check.name] = min(due, soon.get(check.name, due))
    for incident in world.state.incidents.values():
        for check in judges(world, incident):
            at = _next(world, incident, check)
            if at is not None:
                soon[check.name] = min(at, soon.get(check.name, at))
                _with_dependencies(world, incident, check, soon)
        _with_the_proof_of_a_step(world, incident, soon)
    return soon


def _with_the_proof_of_a_step(world: World, incident: Incident, soon: dict[str, datetime]) -> None:
    """A playbook goes on only when the check that proves its last step was looked at."""
    for check in judges(world, incident):
        name = in_order.to_verify(world, incident, check) if check.ordered and incident.is_open else ""
        if name and world.policy.check(name) is not None:
            soon[name] = min(world.now, soon.get(name, world.now))


def _while_it_starts(world: World, check: CheckPolicy, begun: datetime) -> datetime:
    """Whoever started it: how long it takes is learned only by those who look."""
    health, incident = world.health(check.name), world.state.open_for(check.key)
    if health.at is None:
        return world.now
    if incident is not None and incident.running is not None:
        return health.at + check.confirm.retry  # we did, and look already
    probe = next((begun + timedelta(seconds=s) for s in PROBES if begun + timedelta(seconds=s) > health.at), None)
    retry = max(health.at, health.at - health.took + check.confirm.retry)
    return min(retry, probe) if probe is not None else retry


def _with_dependencies(world: World, incident: Incident, check: CheckPolicy, soon: dict[str, datetime]) -> None:
    """Ask the dependencies of a failing check at once whether it is their doing."""
    if incident.state not in (Phase.SUSPECT, Phase.REPAIRING, Phase.PAGED):
        return
    for needed in dependencies(world, check):
        health = world.health(needed.name)
        due = incident.first_bad_at
        if health.at is not None and health.at >= incident.first_bad_at:
            due = health.at + needed.confirm.retry
        soon[needed.name] = min(due, soon.get(needed.name, due))


def _next(world: World, incident: Incident, check: CheckPolicy) -> datetime | None:
    health = world.health(check.name)
    if incident.state is Phase.RESOLVED or health.at is None:
        return None
    retry = max(health.at, health.at - health.took + check.confirm.retry)  # from begin to begin: time-outs are long
    if incident.running is None or incident.running.ended_at is None or incident.repair is not Repair.VERIFYING:
        return retry if incident.state is not Phase.SUSPECT or health.suspicious else None
    ended = incident.running.ended_at
    probe = next((ended + timedelta(seconds=s) for s in PROBES if ended + timedelta(seconds=s) > health.at), retry)
    starting = health.at < ended + start_within(world, check)
    if starting and health.reading is not None and health.reading.failure_class in NOTHING_THERE:
        probe = min(probe, health.at + AGAIN)
    return min(retry, probe)
