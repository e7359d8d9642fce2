"""A long stretch of the journal, in slices that are bounded each: a flood in one hour must not hide the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.host import journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_OF_SLICE = 4_000
_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,UNIT,USER_UNIT,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,_TRANSPORT,_COMM,_PID"
_OURS = "opsagent"
_DEADLINE = timedelta(seconds=20)
# Names that systemd, podman and the like make up anew for each run.
_MADE_UP = re.compile(r"[0-9a-f]{8,}|(?<=-)[rpiu0-9-]+(?=\.)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry: whose it is, how bad (syslog's number), and its text."""

    source: str
    priority: int
    text: str


@dataclass(slots=True)
class Slice:
    """A part of the stretch, and whether it held more than was read."""

    since: datetime
    until: datetime
    most: int = MOST_OF_SLICE
    is_cut: bool = False

    def lines(self, scope: str = "system") -> Iterator[Line]:
        """Yield its warnings and errors, the oldest first, without our own. Raises JournalError."""
        until = self.until - timedelta(microseconds=1)
        bounds = (f"--since=@{self.since.timestamp():.6f}", f"--until=@{until.timestamp():.6f}")
        chosen = ("--user",) if scope == "user" else ()
        asked = (*chosen, "--priority=warning", f"--output-fields={_FIELDS}", f"--lines={self.most + 1}", *bounds)
        for number, entry in enumerate(journal.answered(asked, _DEADLINE)):
            if number == self.most:
                self.is_cut = True
                return
            source = source_of(entry)
            if not source.startswith(_OURS):
                yield Line(source=source, priority=_priority(entry), text=journal.words_of(entry))


def slices(since: datetime, until: datetime, most: int) -> list[Slice]:
    """Return a stretch in at most so many equal parts, each an hour or longer unless the stretch is shorter."""
    count = max(1, min(most, int((until - since) / timedelta(hours=1))))
    step = (until - since) / count
    return [Slice(since + step * number, since + step * (number + 1)) for number in range(count)]


def source_of(entry: Mapping[str, Any]) -> str:
    """Return whose entry it is: the kernel's, a service's (also what systemd says of it), else the program's name."""
    if entry.get("_TRANSPORT") == "kernel":
        return "kernel"
    unit = str(entry.get("_SYSTEMD_USER_UNIT") or entry.get("_SYSTEMD_UNIT") or "")
    if entry.get("_PID") == "1":
        unit = str(entry.get("UNIT") or unit)
    elif unit == "init.scope":  # a user's own manager
        unit = str(entry.get("USER_UNIT") or unit)
    if unit.endswith(".service") and not unit.startswith("user@"):
        return _MADE_UP.sub("*", unit)
    return str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or unit or "?")[:64]


def _priority(entry: Mapping[str, Any]) -> int:
    said = str(entry.get("PRIORITY", ""))
    return int(said) if len(said) == 1 and said in "01234567" else 4
