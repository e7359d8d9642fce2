"""The pattern files that we write: each made once, then renewed where it is ours, and no byte of a person's."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.report.pattern_file import folded, pattern_file
from opsagent.core.report.pattern_part import seen
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State
    from opsagent.memory.layout import Places
    from opsagent.memory.writer import Writer

_NEWS = (ev.PatternWritten, ev.PatternMatched, ev.CauseFound, ev.ActionJudged, ev.IncidentResolved)
MOST_WAITING = 100
_PASSES = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EBUSY)
"""What is tried again. A file that its owner closed to us, or laid a trap in, is left as it is: the log has it all."""


class Patterns:
    """Keeps what is to be written until it is: of each pattern the latest."""

    def __init__(self, writer: Writer, places: Places, redact: Callable[[str], str]) -> None:
        self._writer = writer
        self._folder = places.patterns
        self._redact = redact
        self._new: dict[str, str] = {}
        self._changed: dict[str, Callable[[str], str]] = {}

    def tell(self, after: State, recorded: Recorded) -> None:
        """Keep what one recorded event adds. A file that somebody threw away is not written again."""
        if isinstance(recorded.event, ev.ArchiveRead):
            self._new = {slug: text for slug, text in self._new.items() if slug not in recorded.event.gone}
        incident = after.incident(recorded.incident)
        if incident is None or not incident.pattern or not isinstance(recorded.event, _NEWS):
            return
        slug, told = incident.pattern, seen(after, incident)
        pattern = after.archive.pattern(slug)
        if isinstance(recorded.event, ev.PatternWritten) and pattern is not None:
            self._new[slug] = pattern_file(pattern, told, self._redact)
        if pattern is not None:  # what cannot be read is left as it is
            self._changed[slug] = lambda found: folded(found, told, self._redact)
        while len(self._changed) > MOST_WAITING:
            self._changed.pop(next(iter(self._changed)))

    def write(self) -> None:
        """Write what waits. Raises `WriteError`; what is not written then waits on."""
        while self._new:
            slug, text = next(iter(self._new.items()))
            self._writer.create(self._folder / f"{slug}.md", text)
            del self._new[slug]
        while self._changed:
            slug, change = next(iter(self._changed.items()))
            try:
                self._writer.replace(self._folder / f"{slug}.md", change)
            except WriteError as error:
                if getattr(error.__cause__, "errno", None) in _PASSES:
                    raise
            del self._changed[slug]
