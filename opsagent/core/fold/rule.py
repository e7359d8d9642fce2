"""What every area of the fold begins with: one function for each kind of event, found by its type."""

from __future__ import annotations

from datetime import timedelta
from functools import singledispatch
from typing import TYPE_CHECKING, TypeVar

from opsagent.core import story

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core import events as ev
    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

KEEP_PAST = timedelta(days=30)
"""How long closed incidents and verified repairs stay in the state."""

K = TypeVar("K")
V = TypeVar("V")


@singledispatch
def folded(event: ev.Event, state: State, recorded: Recorded) -> State:
    """Return the state after this event, as far as its own kind goes; each area registers its own events."""
    del event, recorded
    return state


def all_asked_anew(state: State) -> dict[int, Incident]:
    """Return all incidents with their questions open again: what held a hand back may be gone."""
    return {seq: story.asked_anew(one) for seq, one in state.incidents.items()}


def without(mapping: Mapping[K, V], key: K) -> dict[K, V]:
    """Return the mapping without that key."""
    return {k: v for k, v in mapping.items() if k != key}
