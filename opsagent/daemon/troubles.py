"""What keeps us from recording and from writing down: tried again each turn, said once when it begins and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from opsagent.core.log_row import StoreError, StoreTrouble

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.state import State
    from opsagent.memory.memory import Memory
    from opsagent.store.pending import Pending

log = structlog.get_logger("opsagent")
LOG = "the event log"
MEMORY = "the memory"
TEXTFILE = "the textfile"
PAGE = "the status page"


class Troubles:
    """Catches up what waits for a disk that is full or read-only. For the thread that owns the state."""

    def __init__(self, pending: Pending, memory: Memory) -> None:
        """Nothing is wrong yet."""
        self._pending = pending
        self._memory = memory
        self._known: dict[str, str] = {}

    def turn(self, state: State, now: datetime) -> None:
        """Try to write what waits. Raises StoreError when the log is in doubt: then the process must end."""
        if self._pending.trouble is not None:
            _flush(self._pending, now)
        self._memory.catch_up(state, now)
        trouble = self._pending.trouble
        self.note(LOG, str(trouble) if trouble is not None else "")
        self.note(MEMORY, self._memory.trouble)

    def sentences(self) -> list[str]:
        """Return what cannot be written now, in words. From any thread."""
        return [f"{what} cannot be written ({why})" for what, why in tuple(self._known.items())]

    def note_page(self, why: str) -> None:
        """As `note`, of the status page; beside a memory that cannot be written it goes without saying."""
        self.note(PAGE, "" if MEMORY in self._known else why)

    def note(self, what: str, why: str) -> None:
        """Remember why something cannot be written, "" when it can; said once at either end."""
        if why and what not in self._known:
            log.error("cannot be written", what=what, why=why, until_then=_UNTIL_THEN[what])
        if not why and what in self._known:
            log.warning("can be written again", what=what, dropped=self._pending.dropped)
            del self._known[what]
        elif why:
            self._known[what] = why


def _flush(pending: Pending, now: datetime) -> None:
    try:
        pending.flush(now)
    except StoreError as error:
        if error.kind is StoreTrouble.DOUBT:
            raise


_UNTIL_THEN = {
    LOG: "observations are held in our own memory and nothing is repaired, for a repair must be on record before it",
    PAGE: "whoever looks at it sees how it stood before, and when that was",
    TEXTFILE: "Prometheus sees what was written last, and how old it is",
    MEMORY: "the event log has it all, and the Markdown is caught up when it can be written",
}
