"""The agent in numbers, for Prometheus: everything known at one moment, with what this run has counted.

Labels are names of the settings and words of closed lists, never texts of others. All names begin with `opsagent_`,
those of our own process too: node_exporter shows them beside the ones of its own process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core.metrics import of_checks, of_incidents, of_ourselves
from opsagent.core.metrics.family import Family, Kind, Sample
from opsagent.core.metrics.tally import Tally

if TYPE_CHECKING:
    from opsagent.core.world import World

__all__ = ["Family", "Kind", "Own", "Sample", "Tally", "families"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What our process costs: memory in bytes, processor time in seconds, since when it runs (UTC)."""

    memory: int
    cpu: float
    began_at: datetime
    threads: int
    files: int


def families(world: World, tally: Tally, own: Own | None, troubles: int = 0) -> tuple[Family, ...]:
    """Return all numbers as they are at `world.now`; without `own` those of the process are left out.

    `troubles` counts what is wrong with us rather than with the host.
    """
    return (
        *of_checks.families(world, tally),
        *of_incidents.families(world, tally),
        *of_ourselves.families(world, tally, troubles),
        *(of_ourselves.process(own) if own is not None else ()),
    )
