"""Do the unit files and our budget get along? Pure: from settings and snapshots."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from opsagent.core.denied import holds_data
from opsagent.core.timing import spoken
from opsagent.interfaces.doctor.finding import Finding, ok, red, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsagent.core.policy import CheckPolicy, Policy, UnitBudget
    from opsagent.core.unit import UnitSnapshot

LONG_STOP = timedelta(seconds=30)
SLOW_DETECTION = timedelta(seconds=60)
"""Of an armed check: from the failure to the order of a repair. Thirty seconds is what the defaults promise."""


def examine(policy: Policy, units: Mapping[str, UnitSnapshot | None]) -> list[Finding]:
    """Return what is wrong with the units that checks name, or one good finding.

    None in `units` says that there is no such unit; those left out were not asked for.
    """
    found = [finding for check in policy.checks if check.unit for finding in _unit(policy, check, units)]
    found += [finding for check in policy.checks for finding in _speed(check)]
    unique = list(dict.fromkeys(found))
    if unique or not units:
        return unique
    return [ok("units", f"{len(units)} looked at: no start limit, stop time-out or type stands in the way of a repair")]


def _unit(policy: Policy, check: CheckPolicy, units: Mapping[str, UnitSnapshot | None]) -> Iterator[Finding]:
    name = check.unit or ""
    if name not in units:
        return
    unit = units[name]
    if unit is None or unit.load_state == "not-found":
        yield warn(name, f"there is no such unit, but check {check.name} names it", "correct `unit:` in the settings")
        return
    if unit.load_state == "masked":
        yield warn(name, "is masked: it cannot be started", f"systemctl unmask {name}, or take its check away")
    if check.repair:
        yield from _armed(policy, check, unit)


def _armed(policy: Policy, check: CheckPolicy, unit: UnitSnapshot) -> Iterator[Finding]:
    remedies = {rule.do for rule in check.repair}
    if unit.type == "oneshot" and remedies & {"restart", "restart_with_dependants", "reload", "signal", "stop"}:
        yield red(unit.name, "is a oneshot, which is never restarted", f"write repair: [] for {check.name}")
    yield from _stop(unit)
    if remedies & {"restart", "restart_with_dependants"}:
        yield from _start_limit(policy.per_unit, unit, remedies)
    if holds_data(unit.name) and unit.also:
        yield warn(unit.name, f"a restart of it restarts {', '.join(unit.also)} too", "see that this is meant")


def _stop(unit: UnitSnapshot) -> Iterator[Finding]:
    if holds_data(unit.name) or (unit.timeout_stop is not None and unit.timeout_stop <= LONG_STOP):
        return  # what holds data takes long to put it in order, and is not to be killed meanwhile
    length = spoken(unit.timeout_stop) if unit.timeout_stop else "for ever"
    text = f"TimeoutStopSec is {length}: a hung process delays its restart so long"
    edit = "systemctl --user edit" if unit.scope == "user" else "systemctl edit"
    yield warn(unit.name, text, f"{edit} {unit.name}: [Service] TimeoutStopSec=10s")


def _start_limit(budget: UnitBudget, unit: UnitSnapshot, remedies: set[str]) -> Iterator[Finding]:
    interval = unit.start_limit_interval
    if interval is None or not interval or not unit.start_limit_burst:
        return
    starts = most_starts(budget, interval)
    if starts > unit.start_limit_burst:
        text = (
            f"systemd allows {unit.start_limit_burst} starts in {spoken(interval)} (StartLimit), our budget up to"
            f" {starts}: the rest would be refused"
        )
        yield warn(unit.name, text, f"raise StartLimitBurst= of {unit.name}, or lengthen repair.per_unit.waits")
    if unit.restart != "no" and "reset_failed" not in remedies:
        text = f"Restart={unit.restart}: when systemd gives up first, its start limit refuses our restart too"
        yield warn(unit.name, text, "write repair: [restart, reset_failed]")


def most_starts(budget: UnitBudget, interval: timedelta) -> int:
    """Return the most attempts that the budget allows within `interval` (each attempt taken as instant)."""
    waits: Sequence[timedelta] = [
        budget.waits[min(place, len(budget.waits) - 1)] if budget.waits else timedelta()
        for place in range(budget.attempts - 1)
    ]
    at = list(accumulate(waits, initial=timedelta()))
    return max(sum(begin <= moment < begin + interval for moment in at) for begin in at)


def _speed(check: CheckPolicy) -> Iterator[Finding]:
    """Name an armed check that cannot tell of a failure soon enough by looking; a dead unit is told by systemd."""
    if not check.repair:
        return
    slowest = check.every + check.timeout * check.confirm.failures + check.confirm.retry * (check.confirm.failures - 1)
    slowest = max(slowest, check.hold)
    if slowest <= SLOW_DETECTION:
        return
    text = f"a hang is believed after up to {spoken(slowest)} (every, timeout and confirm added up)"
    yield warn(check.name, text, "lower `every:` or `timeout:` of this check")
