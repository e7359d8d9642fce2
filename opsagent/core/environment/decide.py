"""What a look at the environment means: nothing new, a drift, or a port that nobody announced."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import MARKERS, Change, ChangeKind, phrase
from opsagent.core.changes import recent
from opsagent.core.environment.belief import believed, exposed
from opsagent.core.environment.drift import drift, endpoint
from opsagent.core.incident import OURSELVES
from opsagent.core.observation import Severity
from opsagent.core.raising import Report, crowded, reported
from opsagent.core.world import Draft

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from opsagent.core.environment import Environment, Listener
    from opsagent.core.inbox import EnvironmentSeen
    from opsagent.core.world import World

RUNNING = frozenset({"active", "reloading", "refreshing"})
EXPLAINS = (*MARKERS, ChangeKind.PACKAGE)
WITHIN = timedelta(minutes=10)
"""So long after such a change a new listener belongs to it: it is seen a fast loop or two after it opened."""
TOLD_WITHIN = timedelta(hours=24)
"""So far back changes are remembered."""
MOST = 20
"""Listeners in one event."""


def looked(world: World, seen: EnvironmentSeen) -> list[Draft]:
    """Return what a whole look is worth recording; nothing when all is as before."""
    known = world.state.environment.now
    down = {unit.name for unit in world.state.units.values() if unit.active_state not in RUNNING}
    now = believed(seen.environment, known, seen.earlier, down)
    lines = drift(_as_told(world, known, now), now) if known is not None else ()
    news: list[Draft] = []
    if lines:
        news = [Draft(event=ev.EnvironmentDrifted(lines=lines, environment=now))]
    elif now != known:
        news = [Draft(event=ev.EnvironmentLearned(environment=now))]
    return [*news, *opened(world, seen.environment.listeners or (), seen.earlier)]


def _as_told(world: World, known: Environment, now: Environment) -> Environment:
    """Return what was known with the versions that a package run or a new kernel brought: told when it was noticed."""
    told = recent(world.state, world.now, TOLD_WITHIN, kinds=(ChangeKind.PACKAGE, ChangeKind.KERNEL))
    units = {unit for one in told for unit in one.units}
    fresh = {one.name: one for one in now.units or () if one.name in units}
    kept = [
        replace(one, package=fresh[one.name].package, version=fresh[one.name].version) if one.name in fresh else one
        for one in known.units or ()
    ]
    kernels = {one.subject for one in told if one.kind is ChangeKind.KERNEL}
    kernel = now.kernel if now.kernel in kernels else known.kernel
    return replace(known, kernel=kernel, units=tuple(kept) if known.units is not None else None)


def opened(world: World, listeners: Iterable[Listener], earlier: Collection[str]) -> list[Draft]:
    """Return what is new on the network; nothing before the first whole look, when everything would be new."""
    known = world.state.environment
    new = exposed(listeners, earlier, known.public)[:MOST] if known.now is not None else ()
    if not new:
        return []
    lines = tuple(f"new listener {endpoint(one)} ({one.who})" for one in new)
    expected = _explanation(world, new)
    event = ev.ListenersOpened(lines=lines, keys=tuple(one.key for one in new), expected=expected)
    alarm = world.policy.listeners.alert and not expected
    return [Draft(event=event), *(_alarm(world, new) if alarm else ())]


def _explanation(world: World, new: tuple[Listener, ...]) -> str:
    """Return the package run or the deploy that explains all of it, "" when none does."""
    found = recent(world.state, world.now, WITHIN, kinds=EXPLAINS)
    explains = next((one for one in found if all(_explains(one, listener) for listener in new)), None)
    return world.state.conditions.busy or (phrase(explains) if explains else "")


def _explains(change: Change, listener: Listener) -> bool:
    """A deploy that names its unit speaks of that one only; a package brings units that nobody watches yet."""
    return change.kind is ChangeKind.PACKAGE or not change.units or listener.unit in change.units


def _alarm(world: World, new: tuple[Listener, ...]) -> list[Draft]:
    """Have a person look, by day; nothing is done by itself about what may be an intruder."""
    first = new[0]
    more = f" and {len(new) - 1} more" if len(new) > 1 else ""
    said = f"{first.who} opened {endpoint(first)}{more} to the network, and no package or deploy explains it"
    name = f"listener-{first.protocol}-{first.port}"
    report = Report(
        text=said,
        by=OURSELVES,
        about=name,
        key=name,
        severity=Severity.SEV3,
        security=True,
        kind="security",
        failure_class="new_listener",
    )
    return reported(world, report)[0] if not crowded(world, name, OURSELVES) else []
