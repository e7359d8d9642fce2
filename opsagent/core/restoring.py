"""Restoring configuration: what is kept of which unit's files and when, and whose change holds a restore back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.acts import RESTORE
from opsagent.core.change import ChangeKind
from opsagent.core.changes import recent
from opsagent.core.diagnosis.finding import Cause
from opsagent.core.futile import since_it_worked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opsagent.core.change import Change
    from opsagent.core.guards import Case
    from opsagent.core.policy import CheckPolicy, Policy
    from opsagent.core.world import World

FIRST = timedelta(minutes=1)
LATER = timedelta(minutes=10)
"""A copy is asked for once a unit has been good for so long since its start, and once more."""
A_MOMENT = timedelta(seconds=5)
"""The stamp of a file that we put back, and the clock of the order, may differ by so much."""


def files_of(policy: Policy, unit: str) -> tuple[str, ...]:
    """Return the files that may be restored for a unit: those of all its checks, in their order."""
    rules = (rule for check in policy.checks_of(unit) for rule in check.repair if rule.do == RESTORE)
    return tuple(dict.fromkeys(path for rule in rules for path in rule.files))


def due(world: World, asked: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return the units whose files are to be kept now, each with a mark; `asked` has the mark of the last time."""
    for unit in dict.fromkeys(check.unit for check in world.policy.checks if check.unit):
        good = _good_for(world, unit) if files_of(world.policy, unit) else timedelta()
        if good < FIRST:
            continue
        mark = f"{world.state.units[unit].invocation_id} {'later' if good >= LATER else 'first'}"
        if asked.get(unit) != mark:
            yield unit, mark


def _good_for(world: World, unit: str) -> timedelta:
    """Return for how long what runs now has been good to all its checks."""
    found = world.state.units.get(unit)
    is_open = any(incident.key == unit for incident in world.state.open_incidents)
    if is_open or found is None or found.active_state != "active" or found.inactive_exit_at is None:
        return timedelta()
    looks = [world.health(check.name) for check in world.policy.checks_of(unit)]
    since = [one.good_since for one in looks if one.settled and not one.is_bad and one.good_since is not None]
    if len(since) < len(looks):
        return timedelta()
    return max(timedelta(), world.now - max(found.inactive_exit_at, *since))


def held_by(case: Case) -> Change | None:
    """Return the latest change that holds a repair back: who made it is at work there.

    Neither what we put back ourselves, with what it replaced, nor what this very remedy takes back.
    """
    found = recent(case.world.state, case.world.now, case.world.policy.changes.hold)
    by_others = [one for one in found if not (_is_ours(one, case) or _is_its_case(one, case))]
    return next((one for one in by_others if any(one.of(unit) for unit in case.touched)), None)


def _is_ours(change: Change, case: Case) -> bool:
    """Whether it is of a file that was put back in this spell, no later than that."""
    tried = since_it_worked(case.incident.tried)
    until = next((one.ended_at for one in reversed(tried) if one.remedy == RESTORE and one.result == "done"), None)
    return until is not None and change.subject in _files(case.check) and change.at <= until + A_MOMENT


def _is_its_case(change: Change, case: Case) -> bool:
    """Whether it is of a file that would be put back, and the unit refuses its configuration.

    Words of a log do not suffice for that: systemd itself must have started the unit since, in vain.
    """
    snapshot = case.facts.snapshot
    return (
        case.rule.do == RESTORE
        and change.kind is ChangeKind.CONFIG
        and change.subject in case.rule.files
        and case.incident.cause == Cause.BAD_CONFIGURATION.value
        and snapshot is not None
        and snapshot.active_state in ("inactive", "failed")
        and snapshot.inactive_exit_at is not None
        and snapshot.inactive_exit_at >= change.at
    )


def _files(check: CheckPolicy) -> frozenset[str]:
    return frozenset(path for rule in check.repair if rule.do == RESTORE for path in rule.files)
