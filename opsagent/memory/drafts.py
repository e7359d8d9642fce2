"""Runbooks that are drafted: each a new file, and never one that is there already."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.report.runbook import runbook
from opsagent.memory.layout import RUNBOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State
    from opsagent.memory.writer import Writer

MOST_WAITING = 20


class Drafts:
    """Keeps what is to be written until it is."""

    def __init__(self, writer: Writer, redact: Callable[[str], str]) -> None:
        self._writer = writer
        self._redact = redact
        self._waiting: deque[tuple[str, str]] = deque(maxlen=MOST_WAITING)

    def tell(self, after: State, recorded: Recorded, host: str) -> None:
        """Keep what one recorded event adds.

        Whoever read the folder since then saw the draft, or saw that somebody had thrown it away.
        """
        if isinstance(recorded.event, ev.GuidesRead):
            self._waiting.clear()
        made = runbook(after, recorded, host)
        if made is not None:
            self._waiting.append(made)

    def write(self) -> None:
        """Write what waits. Raises `WriteError`; what is not written then waits on."""
        while self._waiting:
            name, text = self._waiting[0]
            self._writer.create(RUNBOOKS / name, self._redact(text))
            self._waiting.popleft()
