"""The files of the days: the head of today, the entries of any day, in as many parts as the layout wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.report.head import continued_head, past_head, refitted
from opsagent.core.report.markdown import cut, inline

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from opsagent.core.report.entry import Entry
    from opsagent.core.report.head import Head
    from opsagent.memory.layout import Places
    from opsagent.memory.writer import Writer

LONGEST_ENTRY = 8_000


class Days:
    """Writes heads and entries through one `Writer`. Every text passes `redact` first."""

    def __init__(self, writer: Writer, places: Places, host: str, redact: Callable[[str], str]) -> None:
        self._writer = writer
        self._places = places
        self.host = host
        self._redact = redact
        self._parts: dict[date, int] = {}

    def put_head(self, head: Head) -> None:
        """Write the head of a day into the last part of its file, making it. Raises `WriteError`."""
        if self._places.heads:
            part = self._last(head.date)[0] if self._places.most is not None else 1
            self._writer.head(self._places.daily(head.date, part), refitted(head.text, self._redact))

    def end(self, head: Head) -> None:
        """Write the last head of a day that is over, if the day has a file. Raises `WriteError`."""
        if self._writer.read(self._places.daily(head.date)) is not None:
            self.put_head(head)

    def is_blank(self, day: date, zone: str) -> bool:
        """Whether the head of a day was only put there to begin the file. Raises `WriteError`."""
        content = self._last(day)[1]
        return content is not None and content.startswith(past_head(day, self.host, zone).text.encode())

    def add(self, entry: Entry, zone: str) -> bool:
        """Add an entry to its day unless it is there; True when it was added. Raises `WriteError`."""
        text = cut(self._redact(self._signed(entry.text, zone)), LONGEST_ENTRY)
        part, content = self._last(entry.date)
        if any(entry.seq in self._writer.markers(self._places.daily(entry.date, n)) for n in range(1, part + 1)):
            return False
        if self._is_full(content, text):
            part = self._go_on(entry.date, part, zone)
        elif content is None and self._places.heads:
            self._writer.head(self._places.daily(entry.date), past_head(entry.date, self.host, zone).text)
        return self._writer.append(self._places.daily(entry.date, part), entry.seq, text, first=f"# {entry.date}\n")

    def _signed(self, text: str, zone: str) -> str:
        """Say who speaks, and in which zone, in a file that others write too and that has no head of ours."""
        if self._places.heads:
            return text
        heading, _, rest = text.partition("\n")
        signed = f"{heading}\n- **Agent** opsagent on {inline(self.host, 63)} · times {inline(zone, 40)}"
        return f"{signed}\n{rest}" if rest else signed

    def _last(self, day: date) -> tuple[int, bytes | None]:
        """Return the number and content of the last part; it is looked for on the disk, and never behind the last."""
        part = self._parts.get(day, 1)
        content = self._writer.read(self._places.daily(day, part))
        if content is None:
            part, content = 1, self._writer.read(self._places.daily(day))
        if self._places.most is not None:
            while (following := self._writer.read(self._places.daily(day, part + 1))) is not None:
                part, content = part + 1, following
        self._parts = {day: part}
        return part, content

    def _is_full(self, content: bytes | None, text: str) -> bool:
        most = self._places.most
        return most is not None and content is not None and len(content) + len(text.encode()) + 64 >= most

    def _go_on(self, day: date, part: int, zone: str) -> int:
        following = self._places.daily(day, part + 1)
        self._writer.head(following, past_head(day, self.host, zone).text)
        self._writer.head(self._places.daily(day, part), continued_head(day, self.host, following.name).text)
        return part + 1
