"""What we stopped on purpose: it is down because of us, so it is left down, and a person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import notice_words
from opsagent.core.notices import notice
from opsagent.core.report.clock import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.incident import Action, Incident
    from opsagent.core.policy import CheckPolicy, RemedyRule
    from opsagent.core.world import Draft, World


_BESIDE_THE_UNIT = ("command", "act", "docker", "reclaim", "restore")
"""Remedies that do not start the unit themselves."""


def told(world: World, action: Action, result: str) -> list[Draft]:
    """Return the notice of a unit that is down on purpose now; none where the list goes on to start it again."""
    goes_on = any(follows(check, rule) for check in world.policy.checks_of(action.unit) for rule in check.repair)
    if action.remedy != "stop" or result != "done" or goes_on:
        return []
    key = f"stopped:{action.unit}:{world.now:%Y%m%dT%H%M%S}"
    return notice(world, key, *notice_words.stopped(world.policy, action.unit, action.reason))


def left_down(world: World, incident: Incident, check: CheckPolicy, rule: RemedyRule, units: Iterable[str]) -> str:
    """Return which of these units was stopped on purpose, so that this remedy must not start it by the way.

    It may where its list goes on after the stop, in the incident for which it was stopped.
    """
    if rule.do in _BESIDE_THE_UNIT:
        return ""
    for unit in units:
        own = world.state.own_stops.get(unit)
        if own is not None and not (own.incident == incident.seq and follows(check, rule)):
            return f"opsagent stopped {unit} on purpose at {moment(own.at, world.policy.zone)}"
    return ""


def follows(check: CheckPolicy, rule: RemedyRule) -> bool:
    """Whether a remedy stands after `stop` in the list of its check: then it may start what was stopped."""
    kinds = [one.do for one in check.repair]
    return "stop" in kinds and rule.do != "stop" and rule in check.repair[kinds.index("stop") :]
