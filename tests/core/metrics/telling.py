"""What the tests of metrics share: the figures of a host in a story, found by name and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import metrics
from opsagent.core.fold import fold
from opsagent.core.metrics import tally
from opsagent.core.state import State

if TYPE_CHECKING:
    from tests.core.story_host import StoryHost


def counted(host: StoryHost) -> metrics.Tally:
    """Return what a daemon that saw all of the host's events has counted."""
    state, steps = State(), []
    for one in host.recorded:
        before, state = state, fold(state, one)
        steps.append((before, state, one))
    return tally.told(metrics.Tally(), steps)


def figures(host: StoryHost, counts: metrics.Tally | None = None) -> tuple[metrics.Family, ...]:
    return metrics.families(host.agent.world(host.now), counts or counted(host), None)


def number(families: tuple[metrics.Family, ...], name: str, **labels: str) -> float | None:
    """Return the one number of that name (with its suffix) and those labels, None when there is none."""
    found = [
        sample.value
        for family in families
        for sample in family.samples
        if family.name + sample.suffix == name and labels.items() <= dict(sample.labels).items()
    ]
    assert len(found) <= 1, f"{name} {labels} is not one number"
    return found[0] if found else None
