"""The failure archive, read at the start and within a second of being saved, by whoever wrote it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import structlog

from opsagent.archive import child, files, reading
from opsagent.core import inbox

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from opsagent.core.archive.pattern import Archive
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
EVERY = 0.25
"""Seconds between two looks at the files' stamps: a thread of its own, for the main one sleeps longer."""
REST = 20
"""Times as long as a look at the stamps took there is none: a folder may hold very many files, or lie far away."""
LONGEST_REST = 10.0
"""Seconds, for the host may have slept in the middle of a look."""
SETTLES = 4
"""Looks after which a file is read that changes at each of them; one that rests is read at the next."""
MOST_TRIES = 3
MOST_IN_A_MINUTE = 20
"""Readings. Somebody may write for ever, and each that finds another meaning is an event."""


class Reader:
    """Looks at the stamps and has what changed read in a process of its own. For one thread."""

    def __init__(
        self,
        settings: Settings,
        post: Callable[[inbox.Arrival], None],
        running: Callable[[], float],
        redact: Callable[[str], str],
    ) -> None:
        """`running` counts seconds of boot time."""
        self._root, self._layout = settings.memory, settings.layout
        self._post = post
        self._running = running
        self._redact = redact
        self._found: dict[str, files.FileRead] = {}
        self._read: dict[str, files.Stamp] | None = None
        self._before: dict[str, files.Stamp] = {}
        self._restless = self._failed = 0
        self.rest = EVERY
        self._readings: deque[float] = deque(maxlen=MOST_IN_A_MINUTE)
        self._told: Archive | None = None

    def watch(self, stop: threading.Event) -> None:
        """Make room for the files, then look until told to stop."""
        files.make_room(self._root, self._layout)
        while not stop.is_set():
            try:
                self.look()
            except Exception:
                log.exception("cannot read the failure archive; this is a mistake in opsagent")
            stop.wait(self.rest)

    def look(self) -> None:
        """Have read what changed and rests since the look before: an editor may be in the middle of a file."""
        begun = self._running()
        now = files.stamps(self._root, self._layout)
        self.rest = min(max(EVERY, REST * (self._running() - begun)), LONGEST_REST)
        before, self._before = self._before, now
        if now == self._read:
            self._restless = 0
            return
        self._restless += now != before
        if self._read is None or now == before or self._restless >= SETTLES:
            self._take(now)

    def _take(self, now: dict[str, files.Stamp]) -> None:
        if len(self._readings) == MOST_IN_A_MINUTE and self._running() - self._readings[0] < 60:  # noqa: PLR2004 - a minute
            return
        self._readings.append(self._running())
        known, names = self._read or {}, sorted(now)[: files.MOST]
        changed = [name for name in names if known.get(name) != now[name] or name not in self._found]
        fresh = self._fresh(changed)
        if fresh is None:
            return
        self._read, self._restless = now, 0
        kept = {name: one for name, one in self._found.items() if name in names}
        self._found = kept | {one.name: one for one in fresh}
        found = files.archive(self._found.values(), self._layout, len(now) - len(names))
        self._tell(reading.clean(found, self._layout, self._redact))

    def _fresh(self, names: list[str]) -> tuple[files.FileRead, ...] | None:
        """Read these files. None where the reader was ended (we may be about to stop): then it is tried again.

        What ends it three times in a row is the fault of a file, and all that were not read by then are named.
        """
        try:
            found = child.read(self._root, self._layout, names) if names else ()
        except child.NotReadError as error:
            self._failed += 1
            log.warning("cannot read the failure archive", error=str(error), again=self._failed < MOST_TRIES)
            if self._failed < MOST_TRIES:
                return None
            read = {one.name for one in error.found}
            rest = (child.unread(name, self._layout, str(error)) for name in names if name not in read)
            found = (*error.found, *rest)
        self._failed = 0
        return found

    def _tell(self, archive: Archive) -> None:
        """What is wrong is said in our log when it is new; what it means is for the thread that owns the state."""
        known = self._told.refused if self._told is not None else ()
        for one in archive.refused:
            if one not in known:
                log.warning("cannot use this of the failure archive", place=one.path, why=one.why)
        self._told = archive
        self._post(inbox.ArchiveSeen(archive=archive))
