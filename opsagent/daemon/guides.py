"""What people write in the memory, read at the start and whenever it changed: playbook and runbooks; tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core import inbox
from opsagent.memory import guides, tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
EVERY = 2.0
"""Seconds between two looks at the files' stamps, which cost nothing."""
APART = 30.0
"""Seconds between two readings: each that finds another text is an event, and somebody may write for ever."""
APART_TASKS = 5.0
"""The same for tasks: our own part of a record is written at every turn of its incident, and is no news here."""


class Reader:
    """Looks at the files' stamps and has them read when they changed. For the thread that owns the state."""

    def __init__(
        self,
        name: str,
        read: Callable[[], inbox.Arrival],
        stamp: Callable[[], guides.Stamp],
        errands: Errands,
        running: Callable[[], float],
        *,
        apart: float = APART,
    ) -> None:
        """`running` counts seconds of boot time; `apart` are those between two readings."""
        self._apart = apart
        self._name = name
        self._read = read
        self._stamp = stamp
        self._errands = errands
        self._running = running
        self._seen: guides.Stamp | None = None
        self._next = 0.0

    def now(self) -> inbox.Arrival:
        """Read them at once: at the start, before anything is judged."""
        self._seen, self._next = self._stamp(), self._running() + EVERY
        return self._read()

    def turn(self) -> None:
        """Have them read if they changed."""
        if self._running() < self._next:
            return
        self._next = self._running() + EVERY
        found = self._stamp()
        if found != self._seen and self._errands.begin(self._name, self._read):
            self._seen, self._next = found, self._running() + self._apart


def readers(
    settings: Settings, errands: Errands, running: Callable[[], float], redact: Callable[[str], str]
) -> tuple[Reader, ...]:
    """Return the reader of the playbook and the runbooks, and that of tasks. `running` counts seconds of boot time."""
    where = settings.memory, settings.layout
    return (
        Reader("guides", partial(read, settings, redact), partial(guides.stamp, *where), errands, running),
        Reader(
            "tasks",
            partial(read_tasks, settings, redact),
            partial(tasks.stamp, *where),
            errands,
            running,
            apart=APART_TASKS,
        ),
    )


def read(settings: Settings, redact: Callable[[str], str]) -> inbox.GuidesSeen:
    """Read all of it; what cannot be read is nothing, and told in the log."""
    found, trouble = guides.read(settings.memory, settings.layout, redact)
    for one in trouble:
        log.warning("cannot follow what was written", error=one)
    return inbox.GuidesSeen(sections=found.sections, runbooks=found.runbooks, entries=found.entries)


def read_tasks(settings: Settings, redact: Callable[[str], str]) -> inbox.TasksSeen:
    """Read what is left to be done; what cannot be read is nothing, and told in the log."""
    found, trouble = tasks.read(settings.memory, settings.layout, redact)
    for one in trouble:
        log.warning("cannot read what is left to be done", error=one)
    return inbox.TasksSeen(tasks=found)
