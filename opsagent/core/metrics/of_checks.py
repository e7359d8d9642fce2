"""Numbers of the checks: how each stands, what it said so far, and how long its looks took."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from opsagent.core.contract import quiet_because, status_of
from opsagent.core.metrics.family import Family, Kind, Sample, counter, gauges, unix
from opsagent.core.metrics.tally import BUCKETS, STATUSES, Latency, with_zeros
from opsagent.core.policy import Mode
from opsagent.core.trust import highest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.metrics.tally import Tally
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World

ENDS = (*(f"{end:g}" for end in BUCKETS), "+Inf")


def families(world: World, tally: Tally) -> Iterator[Family]:
    """Yield the families that have a series for each check."""
    checks = world.policy.checks
    names = [check.name for check in checks]
    yield Family(
        name="opsagent_check_info",
        kind=Kind.GAUGE,
        help="Always 1: what a check is, and whether it is armed.",
        samples=tuple(Sample(value=1.0, labels=_about(check, world)) for check in checks),
    )
    yield Family(
        name="opsagent_check_status",
        kind=Kind.GAUGE,
        help="The believed status of a check: 1 for the one it has.",
        samples=tuple(sample for check in checks for sample in _states(check, world)),
    )
    quiet = ((check.name, quiet_because(check, world) is not None) for check in checks)
    yield gauges(
        "opsagent_check_suppressed", "1 while nobody is paged for a check: maintenance, pause …", "check", quiet
    )
    seen = ((name, unix(at)) for name in names if (at := world.health(name).at) is not None)
    yield gauges("opsagent_check_last_look_timestamp_seconds", "When a check was last looked at.", "check", seen)
    every = [(name, status) for name in names for status in STATUSES]
    known = set(names)
    looks = {key: n for key, n in tally.looks.items() if key[0] in known}
    told = "Looks at a check since the daemon's start, by what each said."
    yield counter("opsagent_check_looks_total", told, ("check", "status"), with_zeros(looks, *every))
    yield Family(
        name="opsagent_check_latency_seconds",
        kind=Kind.HISTOGRAM,
        help="How long the looks at a check took.",
        samples=tuple(s for name in names for s in _histogram(name, tally.latency.get(name, Latency()))),
    )


def _about(check: CheckPolicy, world: World) -> tuple[tuple[str, str], ...]:
    armed = highest(world.state, world.policy, (check,)) is Mode.AUTO
    return (
        ("check", check.name),
        ("kind", check.kind),
        ("unit", check.unit or ""),
        ("criticality", check.criticality.value),
        ("armed", str(armed).lower()),
    )


def _states(check: CheckPolicy, world: World) -> Iterator[Sample]:
    now = status_of(world.looks.get(check.name)).value
    for status in STATUSES:
        yield Sample(value=float(status == now), labels=(("check", check.name), ("status", status)))


def _histogram(name: str, latency: Latency) -> Iterator[Sample]:
    of = (("check", name),)
    for end, count in zip(ENDS, accumulate(latency.counts), strict=True):
        yield Sample(value=float(count), labels=(*of, ("le", end)), suffix="_bucket")
    yield Sample(value=latency.seconds, labels=of, suffix="_sum")
    yield Sample(value=float(sum(latency.counts)), labels=of, suffix="_count")
