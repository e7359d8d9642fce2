"""What people wrote for the next time, and what was drafted for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.fold.rule import folded
from opsagent.core.playbook.section import Runbook
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

KEPT = 20
"""Times of drafts that are remembered, to count those of a day."""


@folded.register(ev.GuidesRead)
def _(event: ev.GuidesRead, state: State, recorded: Recorded) -> State:
    del recorded
    guides = replace(state.guides, sections=event.sections, runbooks=event.runbooks, entries=event.entries)
    return replace(state, guides=guides)


@folded.register(ev.RunbookDrafted)
def _(event: ev.RunbookDrafted, state: State, recorded: Recorded) -> State:
    """It is known as a draft at once, not only when the folder is read again."""
    known = state.guides
    made = Runbook(name=event.name, title=f"Runbook: {event.title}", fingerprint=event.fingerprint, is_draft=True)
    others = (one for one in known.runbooks if one.name != made.name)
    guides = replace(
        known,
        runbooks=tuple(sorted((*others, made), key=lambda one: one.name)),
        drafted=(*known.drafted, event.fingerprint),
        drafted_at=(*known.drafted_at, recorded.at)[-KEPT:],
    )
    return replace(state, guides=guides)


@folded.register(ev.TasksRead)
def _(event: ev.TasksRead, state: State, recorded: Recorded) -> State:
    del recorded
    return replace(state, tasks=event.tasks)
