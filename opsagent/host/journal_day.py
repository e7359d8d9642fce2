"""A long stretch of the journal, in slices that are bounded each: a flood in one hour must not hide the others."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.log_level import WARNING, level_of
from opsagent.host import journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_OF_SLICE = 4_000
_FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,UNIT,USER_UNIT,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,_TRANSPORT,_COMM,_PID"
_OURS = "opsagent"
_DEADLINE = timedelta(seconds=20)
# Names that systemd, podman and the like make up anew for each run, and instances that are only numbers.
_MADE_UP = re.compile(r"[0-9a-f]{8,}|(?<=-)[rpiu0-9-]+(?=\.)|(?<=@)[0-9-]+(?=\.)", re.ASCII)
# What the kernel says after the line that tells what happened: the stack and the registers of that moment.
_DUMP = re.compile(
    r"\s*(\? )?\S+\+0x[0-9a-f]+/0x[0-9a-f]+|\s*</?[A-Z]+>|(Call Trace|Code|Modules linked in|Hardware name|Tainted): ?"
    r"|(R[A-Z0-9]{2}|[CDEFG]S|CR[0-9]): ?[0-9a-f]{4}|CPU: [0-9]+ |---\[ end trace",
    re.ASCII,
)
_RUN_OTHERS = ("cron.service", "crond.service", "atd.service")
# What a program prints has no priority of its own, only its words say how bad it is. journalctl's first, rough choice:
_MAY_BE_BAD = (
    r'emerg|panic|alert|crit|fatal|err|severe|warn|"level" ?: ?[456]0|^[EWF][01][0-9]{3} |^[0-9]+:[MSCX] .* # '
)
_PRINTED = ("_TRANSPORT=stdout", "PRIORITY=6", "--case-sensitive=false", f"--grep={_MAY_BE_BAD}")


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
        """Yield its warnings and errors, without our own: the journal's, then what was printed. Raises JournalError."""
        chosen = ("--user",) if scope == "user" else ()
        for entry in self._entries(*chosen, "--priority=warning"):
            source, text = source_of(entry), journal.words_of(entry)
            if source != "kernel" or not _DUMP.match(text):
                yield Line(source=source, priority=_priority(entry), text=text)
        with contextlib.suppress(journal.JournalError):  # so it ends where nothing matches, too
            for entry in self._entries(*chosen, *_PRINTED):
                text = journal.words_of(entry)
                level = level_of(text)
                if level is not None and level <= WARNING:
                    yield Line(source=source_of(entry), priority=level, text=text)

    def _entries(self, *chosen: str) -> Iterator[Mapping[str, Any]]:
        """Yield the oldest so many entries that are not our own."""
        until = self.until - timedelta(microseconds=1)
        bounds = (f"--since=@{self.since.timestamp():.6f}", f"--until=@{until.timestamp():.6f}")
        asked = (*chosen, f"--output-fields={_FIELDS}", f"--lines={self.most + 1}", *bounds)
        for number, entry in enumerate(journal.answered(asked, _DEADLINE)):
            if number == self.most:
                self.is_cut = True
                return
            if not source_of(entry).startswith(_OURS):
                yield entry


def slices(since: datetime, until: datetime, most: int) -> list[Slice]:
    """Return a stretch in at most so many equal parts, each an hour or longer unless the stretch is shorter."""
    count = max(1, min(most, int((until - since) / timedelta(hours=1))))
    step = (until - since) / count
    return [Slice(since + step * number, since + step * (number + 1)) for number in range(count)]


def source_of(entry: Mapping[str, Any]) -> str:
    """Return whose entry it is: the kernel's, a service's (also what systemd says of it), else the program's name.

    So is one of a job that cron ran: it may be over before journald can see which service it belonged to.
    """
    if entry.get("_TRANSPORT") == "kernel":
        return "kernel"
    unit = str(entry.get("_SYSTEMD_USER_UNIT") or entry.get("_SYSTEMD_UNIT") or "")
    pid = entry.get("_PID")
    becomes_it = not unit and str(entry.get("SYSLOG_IDENTIFIER")).startswith("(")  # systemd's child, before it is
    if pid == "1" or becomes_it:
        unit = str(entry.get("UNIT") or unit)
    elif unit == "init.scope":  # a user's own manager
        unit = str(entry.get("USER_UNIT") or unit)
    if unit.endswith(".service") and not unit.startswith("user@") and not (unit in _RUN_OTHERS and pid != "1"):
        return _MADE_UP.sub("*", unit)
    return str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or unit or "?")[:64]


def _priority(entry: Mapping[str, Any]) -> int:
    said = str(entry.get("PRIORITY", ""))
    return int(said) if len(said) == 1 and said in "01234567" else 4
