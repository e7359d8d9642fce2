"""Numbers of incidents, repairs, what may still be repaired, and messages to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.budget import left_of_host, left_of_unit
from opsagent.core.metrics.family import Family, counter, gauge, gauges, unix
from opsagent.core.metrics.tally import with_zeros
from opsagent.core.observation import Severity
from opsagent.core.phase import Outcome
from opsagent.core.timing import elapsed
from opsagent.core.wording import needs_you

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.metrics.tally import Tally
    from opsagent.core.world import World

SEVERITIES = tuple((severity.value,) for severity in Severity)
OVER = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.RUNNING)
FATES = ("sent", "failed", "expired")


def families(world: World, tally: Tally) -> Iterator[Family]:
    """Yield them in the order of a story: what is open, what was done, what is left, who was told."""
    yield from _incidents(world, tally)
    yield from _repairs(world, tally)
    yield from _messages(world, tally)


def _incidents(world: World, tally: Tally) -> Iterator[Family]:
    open_ones = world.state.open_incidents
    by = {severity: sum(i.severity == severity for i in open_ones) for (severity,) in SEVERITIES}
    yield gauges("opsagent_incidents_open", "Incidents that are not resolved.", "severity", by.items())
    wanted = sum(needs_you(incident) for incident in open_ones)
    yield gauge("opsagent_incidents_need_person", "Open incidents for which a person is wanted now.", wanted)
    yield gauge(
        "opsagent_incidents_suspected", "Failures that were seen and are not yet believed.", len(world.state.suspects)
    )
    for name, help_, counts in (
        ("opened", "Incidents that were believed, by their severity then.", tally.opened),
        ("resolved", "Incidents that were resolved.", tally.resolved),
    ):
        yield counter(f"opsagent_incidents_{name}_total", help_, ("severity",), with_zeros(counts, *SEVERITIES))
    paged = with_zeros(tally.pages, *SEVERITIES)
    yield counter("opsagent_pages_total", "Times that a level of the escalation was told.", ("severity",), paged)


def _repairs(world: World, tally: Tally) -> Iterator[Family]:
    remedies = sorted({rule.do for check in world.policy.checks for rule in check.repair})
    every = [(remedy, outcome) for remedy in remedies for outcome in OVER]
    told = "Repairs by what came of them; one that held and then relapsed counts as both."
    yield counter("opsagent_repairs_total", told, ("remedy", "outcome"), with_zeros(tally.repairs, *every))
    yield gauge("opsagent_host_budget_remaining", "Repairs that this host may still have now.", left_of_host(world))
    armed = sorted({check.unit for check in world.policy.checks if check.unit and check.repair})
    left = ((unit, left_of_unit(world, unit)) for unit in armed)
    yield gauges("opsagent_unit_budget_remaining", "Repairs that a unit may still have now.", "unit", left)


def _messages(world: World, tally: Tally) -> Iterator[Family]:
    state = world.state
    oldest = min((owed.queued_at for owed in state.owed.values()), default=None)
    age = max(0.0, elapsed(oldest, world.now).total_seconds()) if oldest and oldest <= world.now else 0.0
    yield gauge("opsagent_outbox_messages", "Messages that are not delivered yet.", len(state.owed))
    yield gauge("opsagent_outbox_oldest_age_seconds", "How long the oldest of them has waited.", age)
    names = [notifier.name for notifier in world.policy.notifiers]
    every = [(name, fate) for name in names for fate in FATES]
    told = "Messages by what became of them; failed: given up."
    yield counter("opsagent_notifications_total", told, ("notifier", "state"), with_zeros(tally.messages, *every))
    proven = ((name, unix(state.proven[name])) for name in names if name in state.proven)
    yield gauges(
        "opsagent_notifier_last_success_timestamp_seconds",
        "When a notifier last delivered something.",
        "notifier",
        proven,
    )
