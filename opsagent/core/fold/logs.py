"""What was read in the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import folded
from opsagent.core.renewal import replace
from opsagent.core.review import Reviews

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


@folded.register(ev.LogsReviewed)
def _(event: ev.LogsReviewed, state: State, recorded: Recorded) -> State:
    until = state.reviews.until if event.trouble else event.until
    return replace(state, reviews=Reviews(at=recorded.at, last=event, until=until))


@folded.register(ev.ReviewOrdered)
def _(event: ev.ReviewOrdered, state: State, recorded: Recorded) -> State:
    del event, recorded
    known = state.reviews
    return replace(state, reviews=Reviews(at=known.at, last=known.last, until=known.until, is_ordered=True))
