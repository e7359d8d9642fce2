"""The playbook and the runbooks, read at the start and whenever one of them changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core import inbox
from opsagent.memory import guides

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
EVERY = 2.0
"""Seconds between two looks at the files' stamps, which cost nothing."""
APART = 30.0
"""Seconds between two readings: each that finds another text is an event, and somebody may write for ever."""


class Reader:
    """Looks at the files' stamps and has them read when they changed. For the thread that owns the state."""

    def __init__(
        self, settings: Settings, errands: Errands, running: Callable[[], float], redact: Callable[[str], str]
    ) -> None:
        """`running` counts seconds of boot time."""
        self._read = partial(read, settings, redact)
        self._stamp = partial(guides.stamp, settings.memory, settings.layout)
        self._errands = errands
        self._running = running
        self._seen: guides.Stamp | None = None
        self._next = 0.0

    def now(self) -> inbox.GuidesSeen:
        """Read them at once: at the start, before anything is judged."""
        self._seen, self._next = self._stamp(), self._running() + EVERY
        return self._read()

    def turn(self) -> None:
        """Have them read if they changed."""
        if self._running() < self._next:
            return
        self._next = self._running() + EVERY
        found = self._stamp()
        if found != self._seen and self._errands.begin("guides", self._read):
            self._seen, self._next = found, self._running() + APART


def read(settings: Settings, redact: Callable[[str], str]) -> inbox.GuidesSeen:
    """Read all of it; what cannot be read is nothing, and told in the log."""
    found, trouble = guides.read(settings.memory, settings.layout, redact)
    for one in trouble:
        log.warning("cannot follow what was written", error=one)
    return inbox.GuidesSeen(sections=found.sections, runbooks=found.runbooks)
