"""Entries that are added once to files which people go on writing in: the decision memory, and a ticket each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.report.about_changes import DECISIONS, decision
from opsagent.core.report.entry import Entry
from opsagent.core.report.tickets import heading, ticket
from opsagent.memory.place import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State
    from opsagent.memory.layout import Places
    from opsagent.memory.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One entry, the file it belongs to, and how that file begins where it is made."""

    path: PurePosixPath
    first: str
    entry: Entry


class Pages:
    """Keeps what is to be added until it is written. An entry that is there already is left alone."""

    def __init__(self, writer: Writer, places: Places, redact: Callable[[str], str]) -> None:
        self._writer = writer
        self._places = places
        self._redact = redact
        self._waiting: deque[Page] = deque()

    def tell(self, after: State, recorded: Recorded, host: str) -> None:
        """Keep what one recorded event adds."""
        made = decision(after, recorded, host)
        if made is not None:
            self._waiting.append(Page(path=self._places.decisions, first=DECISIONS, entry=made))
        opened = ticket(after, recorded, host)
        if opened is not None:
            label, entry = opened
            self._waiting.append(Page(path=self._places.tickets / f"{label}.md", first=heading(label), entry=entry))

    def write(self) -> None:
        """Write what waits, in its order. Raises the first `WriteError`; behind it only the same file's wait on."""
        failed: dict[PurePosixPath, WriteError] = {}
        for page in [self._waiting.popleft() for _ in range(len(self._waiting))]:
            if page.path not in failed and (error := self._tried(page)) is not None:
                failed[page.path] = error
            if page.path in failed:
                self._waiting.append(page)
        for error in failed.values():
            raise error

    def _tried(self, page: Page) -> WriteError | None:
        try:
            self._writer.append(page.path, page.entry.seq, self._redact(page.entry.text), first=page.first)
        except WriteError as error:
            return error
        return None

    def forget_oldest(self, most: int) -> date | None:
        """Keep at most so many, and return the day of the oldest that was let go, if any."""
        days = [self._waiting.popleft().entry.date for _ in range(len(self._waiting) - most)]
        return min(days, default=None)
