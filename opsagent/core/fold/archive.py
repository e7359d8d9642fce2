"""What the files of the failure archive say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.archive.pattern import Archive
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
    return replace(state, archive=Archive(patterns=patterns, refused=event.refused))
