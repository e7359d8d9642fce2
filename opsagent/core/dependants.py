"""Who depends on a unit, by the settings and by systemd, and in which order they are restarted after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.policy import Policy
    from opsagent.core.unit import UnitSnapshot

REMEDY = "restart_with_dependants"
_UP = ("active", "activating", "reloading")


def below(policy: Policy, unit: str) -> tuple[str, ...]:
    """Return the units whose checks depend on a check of this unit, to any depth, each after those it depends on.

    Units of another manager are left out: nobody can order them together.
    """
    scopes = {check.scope for check in policy.checks_of(unit)}
    found: list[str] = []
    waiting = [unit]
    while waiting:
        above = waiting.pop(0)
        names = {check.name for check in policy.checks if check.unit == above}
        fresh = [one.unit for one in policy.checks if one.unit and one.scope in scopes and names & set(one.depends_on)]
        waiting += [one for one in dict.fromkeys(fresh) if one not in (unit, *found)]
        found += [one for one in dict.fromkeys(fresh) if one not in (unit, *found)]
    return _sorted(found, {one: _needed(policy, one) for one in found})


def in_order(policy: Policy, dependants: Iterable[UnitSnapshot]) -> tuple[str, ...]:
    """Return those that run, by their primary names, roots first: what is down is repaired in its own right."""
    running = {one.name: one for one in dependants if one.active_state in _UP}
    return _sorted(running, {one.name: {*_needed(policy, one.name), *one.pulls} for one in running.values()})


def wants_them(policy: Policy, unit: str) -> bool:
    """Whether a check of this unit may have its dependants restarted with it."""
    return any(rule.do == REMEDY for check in policy.checks_of(unit) for rule in check.repair)


def _needed(policy: Policy, unit: str) -> set[str]:
    names = {name for check in policy.checks if check.unit == unit for name in check.depends_on}
    return {check.unit for check in policy.checks if check.name in names and check.unit}


def _sorted(units: Iterable[str], needs: dict[str, set[str]]) -> tuple[str, ...]:
    """Return each after all that it needs; where they need one another, the first by name begins."""
    left, done = sorted(set(units)), list[str]()
    while left:
        free = (one for one in left if not needs[one] & set(left) - {one})
        done.append(next(free, left[0]))
        left.remove(done[-1])
    return tuple(done)
