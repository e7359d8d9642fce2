"""What follows from all that is known: asked again and again, one step at a time, until nothing is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import (
    changes,
    chronic,
    earning,
    escalation,
    findings,
    jobs,
    recovery,
    remediation,
    runbooks,
    suggesting,
    suppression,
    suspicion,
    tickets,
)
from opsagent.core.archive import writing
from opsagent.core.playbook import following

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.world import Draft, World


def due(world: World, touched: Iterable[str]) -> list[Draft]:
    """Return the next events that are due, or nothing. `touched` are the checks that were looked at in this turn.

    The order matters: what was seen, then what it means, then who is kept quiet, then repairs, then people.
    """
    return (
        suppression.stops_over(world)
        or suppression.pauses_over(world)
        or suspicion.told_health(world, touched)
        or suspicion.suspected(world, touched)
        or suspicion.settled(world)
        or changes.recalled(world)
        or following.matched(world)
        or escalation.withdrawals(world)
        or recovery.moved(world)
        or suppression.suppressions(world)
        or suppression.breaker(world)
        or findings.breaker_incident(world)
        or suggesting.expired(world)
        or remediation.steps(world)
        or escalation.questions(world)
        or escalation.leases(world)
        or escalation.pages(world)
        or escalation.undelivered(world)
        or escalation.recoveries(world)
        or earning.forgotten(world)
        or chronic.due(world)
        or findings.patterns(world)
        or writing.due(world)
        or tickets.due(world)
        or runbooks.due(world)
        or jobs.witnessed(world)
    )
