"""What people wrote for the next time, and what was drafted for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import folded
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

KEPT = 20
"""Times of drafts that are remembered, to count those of a day."""


@folded.register(ev.GuidesRead)
def _(event: ev.GuidesRead, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, guides=replace(state.guides, sections=event.sections, runbooks=event.runbooks))


@folded.register(ev.RunbookDrafted)
def _(event: ev.RunbookDrafted, state: State, recorded: Recorded) -> State:
    known = state.guides
    times = (*known.drafted_at, recorded.at)[-KEPT:]
    return replace(state, guides=replace(known, drafted=(*known.drafted, event.fingerprint), drafted_at=times))
