"""What is new in the journal since the last reading: bounded, from where that one ended, over restarts and gaps."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.host import journal
from opsagent.host.journal import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 2_000
"""Entries that are read at once: a flood is known from fewer, and must not cost more."""
MOST_OF_PAST = 10_000
_OVERLAP = timedelta(seconds=10)
_OURS = "opsagent"
_FIELDS = "PRIORITY,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,_SYSTEMD_USER_UNIT,_PID"

__all__ = ["MOST", "Entry", "JournalError", "News", "Place", "Wanted", "begins", "begins_after", "news", "past"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: of a unit, of a syslog identifier, of everybody; those at least as bad as `priority` (a word).

    `words` says whether their text is needed.
    """

    unit: str = ""
    scope: str = "system"
    identifier: str = ""
    priority: str = ""
    words: bool = False

    def arguments(self) -> tuple[str, ...]:
        """Return how journalctl is asked for them."""
        user = self.scope == "user"
        chosen = (
            ("--user" if user else ""),
            (f"--user-unit={self.unit}" if user else f"--unit={self.unit}") if self.unit else "",
            f"--identifier={self.identifier}" if self.identifier else "",
            f"--priority={self.priority}" if self.priority else "",
            f"--output-fields={_FIELDS}{',MESSAGE' if self.words else ''}",
        )
        return tuple(filter(None, chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far the journal was read: at that moment, and the cursor of the last entry that was wanted, if any."""

    at: datetime
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: when it came (seconds of 1970), how bad, and its text where that was asked for."""

    at: float
    priority: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came since, and where to go on. `cut` says that there was more than is read at once."""

    entries: tuple[Entry, ...]
    place: Place
    cut: bool = False


def news(wanted: Wanted, place: Place, now: datetime, deadline: timedelta) -> News:
    """Return the newest entries since a place. Raises JournalError.

    A cursor alone does not do: journalctl goes on from one forwards only, and the newest of a flood are wanted.
    """
    begin = max(place.at - _OVERLAP, _moment(place.cursor)) if place.at <= now else now - _OVERLAP
    found: list[Entry] = []
    newest, ended, read = "", False, 0
    for read, entry in enumerate(_newest(wanted, begin, MOST + 1, deadline), start=1):
        ended = entry["__CURSOR"] == place.cursor
        if ended or read > MOST:
            break
        newest = newest or str(entry["__CURSOR"])
        if _is_ours(entry, wanted) or (place.cursor and _seconds(entry) < _moment(place.cursor).timestamp()):
            continue
        found.append(_entry(entry))
    place = Place(at=now, cursor=newest or place.cursor)
    return News(entries=tuple(found[::-1]), place=place, cut=read > MOST and not ended)


def past(wanted: Wanted, since: datetime, now: datetime, deadline: timedelta) -> News:
    """Return when entries came in a long time, without their text; of too many the newest. Raises JournalError."""
    found = [
        _entry({**entry, "MESSAGE": ""})
        for entry in _newest(wanted, since, MOST_OF_PAST, deadline)
        if not _is_ours(entry, wanted)
    ]
    cursor = next((entry["__CURSOR"] for entry in _newest(wanted, since, 1, deadline)), "")
    place = Place(at=now, cursor=str(cursor))
    return News(entries=tuple(found[::-1]), place=place, cut=len(found) >= MOST_OF_PAST)


def begins_after(at: datetime, deadline: timedelta) -> datetime | None:
    """Return when the journal begins if that is after `at`: what was older was vacuumed, or is lost with its boot."""
    found = begins(deadline)
    return found if found is not None and found > at else None


def begins(deadline: timedelta) -> datetime | None:
    """Return when the journal begins, None for an empty one. Raises JournalError."""
    oldest = next(journal.answered(("--since=@0", "--lines=1", "--output-fields=PRIORITY"), deadline), None)
    return datetime.fromtimestamp(_seconds(oldest), UTC) if oldest is not None else None


def _newest(wanted: Wanted, since: datetime, most: int, deadline: timedelta) -> Iterator[Mapping[str, Any]]:
    bounds = ("--reverse", f"--since=@{since.timestamp():.6f}", f"--lines={most}")
    return journal.answered((*wanted.arguments(), *bounds), deadline)


def _entry(entry: Mapping[str, Any]) -> Entry:
    priority = str(entry.get("PRIORITY", "6"))
    return Entry(
        at=_seconds(entry),
        priority=int(priority) if priority.isascii() and priority.isdigit() else 6,
        text=journal.words_of(entry) if "MESSAGE" in entry else "",
    )


def _is_ours(entry: Mapping[str, Any], wanted: Wanted) -> bool:
    """Our own words are no news to us: whoever counts everybody's lines must not count what was said of the count."""
    if wanted.unit or wanted.identifier:
        return False
    unit = str(entry.get("_SYSTEMD_USER_UNIT") or entry.get("_SYSTEMD_UNIT") or "")
    return unit.startswith(_OURS) or entry.get("_PID") == str(os.getpid())


def _seconds(entry: Mapping[str, Any]) -> float:
    return int(entry["__REALTIME_TIMESTAMP"]) / 1e6


def _moment(cursor: str) -> datetime:
    return journal.moment_of(cursor) if cursor else datetime.fromtimestamp(0, UTC)
