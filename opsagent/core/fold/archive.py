"""What the files of the failure archive say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.archive.pattern import Pattern
from opsagent.core.fold.rule import folded
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


@folded.register(ev.ArchiveRead)
def _(event: ev.ArchiveRead, state: State, recorded: Recorded) -> State:
    del recorded
    known = {one.slug: one for one in (*state.archive.patterns, *event.patterns) if one.slug not in event.gone}
    patterns = tuple(known[slug] for slug in sorted(known))
    return replace(state, archive=replace(state.archive, patterns=patterns, refused=event.refused))


@folded.register(ev.PatternWritten)
def _(event: ev.PatternWritten, state: State, recorded: Recorded) -> State:
    """It is known at once, not only when the file is read: the same failure of another incident is no new one."""
    made = Pattern(
        slug=event.slug,
        title=event.title,
        match=event.match,
        fingerprint=event.fingerprint,
        cause=event.match.cause[0] if event.match.cause else "",
        ours=True,
        saved_at=recorded.at,
    )
    archive = state.archive
    others = (one for one in archive.patterns if one.slug != made.slug)
    patterns = tuple(sorted((*others, made), key=lambda one: one.slug))
    return replace(state, archive=replace(archive, patterns=patterns, written=(*archive.written, event.slug)))
