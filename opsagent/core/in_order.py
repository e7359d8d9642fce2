"""A check's own playbook: its remedies one after the other, strictly in the order in which somebody wrote them.

After each the checks are looked at. Nothing that was learned changes the order; guards and budgets are those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import budget
from opsagent.core.budget import Spent
from opsagent.core.futile import has_no_process, since_it_worked
from opsagent.core.incident import Action
from opsagent.core.observation import Status
from opsagent.core.policy import RemedyRule
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World

A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far the list is: the number of the step that is `next` (from 1), and the last one that was done, with it."""

    number: int
    next: RemedyRule | None
    last: RemedyRule | None = None
    action: Action | None = None


def place(world: World, incident: Incident, check: CheckPolicy) -> Place:
    """Return how far it is in this spell; after giving up, the list begins anew."""
    tried = since_it_worked([action for action in incident.actions if action.attempt > 0])
    gave_up = incident.gave_up_at
    number, last, done = 0, None, None
    for action in tried:
        labels = [rule.label for rule in check.repair[number:]]
        if action.label in labels and (gave_up is None or action.at > gave_up):
            number += labels.index(action.label) + 1
            last, done = check.repair[number - 1], action
    fits = [at for at, rule in enumerate(check.repair) if at >= number and not has_no_process(world, check, rule)]
    if not fits:
        return Place(number=len(check.repair), next=None, last=last, action=done)
    return Place(number=fits[0] + 1, next=check.repair[fits[0]], last=last, action=done)


def over(world: World, incident: Incident, check: CheckPolicy) -> str:
    """Return why the list ends here, "" while it goes on: every step was tried, or one did not do what it had to."""
    here = place(world, incident, check)
    if here.last is not None and here.last.verify and _was_looked_at(world, here):
        reading = world.health(here.last.verify).reading
        if reading is None or reading.status is not Status.OK:
            said = reading.message if reading else "was not looked at"
            return f"the playbook of {check.name} ends at {here.last.label}: {here.last.verify} is not good ({said})"
    return f"every step of the playbook of {check.name} was tried" if here.next is None else ""


def spent(
    world: World, units: tuple[str, ...], incident: Incident, check: CheckPolicy, *, forced: bool = False
) -> Spent | None:
    """Return what stands against the next step: the end of the list, a wait, a limit; for other checks the budget."""
    if not check.ordered or forced:
        return budget.spent(world, units, incident, forced=forced)
    waits = _waits(world, incident, check)
    if waits is not None:
        return waits
    ended = over(world, incident, check)
    if ended:
        return Spent(reason=ended, again_at=budget.slow_retry_at(world, incident), exhausted=True)
    last = place(world, incident, check).last
    has_own = last is not None and last.wait is not None
    return budget.limited(world, units, incident) or (None if has_own else budget.wait(world, units[0]))


def _waits(world: World, incident: Incident, check: CheckPolicy) -> Spent | None:
    """What was begun is waited for, then what proves it is looked at."""
    here = place(world, incident, check)
    if here.last is None or here.action is None or here.action.ended_at is None:
        return None
    until = here.action.ended_at + (here.last.wait or timedelta())
    if world.now < until:
        reason = f"waits {spoken(here.last.wait or timedelta())} after {here.last.label}"
        return Spent(reason=reason, again_at=until, exhausted=False)
    if here.last.verify and not _was_looked_at(world, here):
        reason = f"looks at {here.last.verify} after {here.last.label}"
        return Spent(reason=reason, again_at=world.now + A_MOMENT, exhausted=False)
    return None


def to_verify(world: World, incident: Incident, check: CheckPolicy) -> str:
    """Return the check that must be looked at before the list goes on, "" for none."""
    here = place(world, incident, check)
    if here.last is None or here.action is None or here.action.ended_at is None:
        return ""
    is_due = world.now >= here.action.ended_at + (here.last.wait or timedelta())
    return here.last.verify if is_due and not _was_looked_at(world, here) else ""


def _was_looked_at(world: World, here: Place) -> bool:
    """Whether the check that proves the step was looked at since its effect had been waited for."""
    if here.last is None or here.action is None or here.action.ended_at is None:
        return False
    at = world.health(here.last.verify).at
    return at is not None and at > here.action.ended_at + (here.last.wait or timedelta())
