"""Which failure is another's doing: dependencies named in the settings, and those systemd knows of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.phase import Outcome, Phase
from opsagent.core.startup import start_within

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World

_SETTLED = (Phase.RESOLVED, Phase.CLOSED)


def dependencies(world: World, check: CheckPolicy) -> tuple[CheckPolicy, ...]:
    """Return the checks that this one needs, to any depth, the deepest last."""
    found: dict[str, CheckPolicy] = {}
    waiting = list(_direct(world, check))
    while waiting:
        one = waiting.pop(0)
        if one.name not in found and one.key != check.key:
            found[one.name] = one
            waiting.extend(_direct(world, one))
    return tuple(found.values())


def _direct(world: World, check: CheckPolicy) -> list[CheckPolicy]:
    named = [one for name in check.depends_on if (one := world.policy.check(name)) is not None]
    unit = world.state.units.get(check.unit) if check.unit else None
    watched = [one for one in unit.pulls if world.policy.checks_of(one)] if unit else []
    if not watched:
        return named  # what systemd pulls in is mostly targets that nobody watches
    return named + [one for one in world.policy.checks if one.unit in watched and one not in named]


def dependants(world: World, key: str) -> tuple[str, ...]:
    """Return the names of the checks that need, directly or not, what the checks of this open key look at."""
    return tuple(
        one.name
        for one in world.policy.checks
        if one.key != key and any(needed.key == key for needed in dependencies(world, one))
    )


def failed_root(world: World, checks: tuple[CheckPolicy, ...]) -> tuple[CheckPolicy, Incident | None] | None:
    """Return the deepest failing dependency of these checks with its incident, or None when all are sound.

    A dependency that a person stopped counts as failing. One that was repaired counts until it is verified.
    """
    needed = [one for check in checks for one in dependencies(world, check) if not _only_our_echo(world, check, one)]
    failing = [one for one in needed if _failing(world, one)]
    if not failing:
        return None
    root = next((one for one in failing if not _needs_another(world, one, failing)), failing[-1])
    return root, world.state.open_for(root.key)


def fell_with_another(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> bool:
    """Whether something that these checks need was down in this spell too, and has come back since."""
    needed = [world.health(one.name).good_since for check in checks for one in dependencies(world, check)]
    return any(since is not None and since > incident.first_bad_at for since in needed)


def _only_our_echo(world: World, ours: CheckPolicy, other: CheckPolicy) -> bool:
    """Two that need each other (Requires= one way, PartOf= back) would wait for each other: the first to fail is it."""
    if all(one.key != ours.key for one in dependencies(world, other)):
        return False
    mine, its = world.state.open_for(ours.key), world.state.open_for(other.key)
    return its is None or (mine is not None and mine.seq < its.seq)


def _needs_another(world: World, check: CheckPolicy, failing: list[CheckPolicy]) -> bool:
    deeper = dependencies(world, check)
    return any(one in deeper for one in failing if one.key != check.key)


def _failing(world: World, check: CheckPolicy) -> bool:
    if check.unit in world.state.stops or world.health(check.name).suspicious:
        return True
    incident = world.state.open_for(check.key)
    if incident is not None and incident.state not in _SETTLED:
        return not _verified(world, check, incident)
    return _still_to_prove(world, check)


def _still_to_prove(world: World, check: CheckPolicy) -> bool:
    """Back a moment ago, by whomever, and not yet good for long: those who need it look again only after that.

    One that was never seen bad has nothing to prove, however young it is: both it and we may have just started.
    """
    unit, health = world.state.units.get(check.unit or ""), world.health(check.name)
    if unit is None or unit.inactive_exit_at is None or health.at is None or (health.good and all(health.looks)):
        return False
    proved = health.good_since is not None and world.now - health.good_since >= check.confirm.stable_for
    longest = start_within(world, check) + check.confirm.stable_for
    return not proved and timedelta() <= world.now - unit.inactive_exit_at < longest


def _verified(world: World, check: CheckPolicy, incident: Incident) -> bool:
    if incident.state is not Phase.VERIFYING or incident.good_since is None:
        return False
    last = next((a for a in reversed(incident.actions) if a.outcome is not Outcome.REFUSED), None)
    if last is not None and last.outcome in (Outcome.VERIFIED, Outcome.RUNNING):
        return last.outcome is Outcome.VERIFIED
    return world.now - incident.good_since >= check.confirm.stable_for
