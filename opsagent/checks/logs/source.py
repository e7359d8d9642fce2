"""The two places where lines are found, the journal and plain files: when they came, and what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.checks.logs.expression import compiled
from opsagent.core.log_level import PRIORITIES, level_of
from opsagent.core.tally import DAYS
from opsagent.host import journal_news, log_files
from opsagent.host.log_files import FilePlace

if TYPE_CHECKING:
    from opsagent.checks.logs.kept import Kept

NEEDED = 100
_TAIL = 256 * 1024
_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which lines count: those of a unit, an identifier, everybody or of files, as bad as that, that match."""

    unit: str = ""
    scope: str = "system"
    identifier: str = ""
    file: str = ""
    priority: str = ""
    expression: str = ""
    within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When lines that count came (seconds of 1970), where to go on, and in words what was missed.

    `since` is when the past began that was read beside, None when none was.
    """

    stamps: Sequence[float] = ()
    cursor: str = ""
    files: tuple[FilePlace, ...] = ()
    missed: tuple[str, ...] = ()
    since: datetime | None = None
    texts: tuple[str, ...] = field(default=(), repr=False)


def from_journal(asked: Question, kept: Kept | None, now: datetime, deadline: timedelta) -> Heard:
    """Read the journal. Raises JournalError."""
    wanted = journal_news.Wanted(
        unit=asked.unit,
        scope=asked.scope,
        identifier=asked.identifier,
        priority=asked.priority,
        words=bool(asked.expression),
    )
    if kept is None and not asked.expression:
        return _past(wanted, now, deadline)
    begin = kept.at if kept is not None else now - asked.within
    place = journal_news.Place(at=begin, cursor=kept.cursor if kept is not None else "")
    found = journal_news.news(wanted, place, now, deadline)
    missed = [f"more than {journal_news.MOST} lines since the last look, the older ones not read"] if found.cut else []
    if now - begin > asked.within and (reached := journal_news.begins_after(begin, deadline)):
        missed.append(f"the journal no longer reaches back to the last look, it begins {_utc(reached)}")
    counting = [entry for entry in found.entries if matches(entry.text, asked.expression)]
    return Heard(
        stamps=[entry.at for entry in counting],
        cursor=found.place.cursor,
        missed=tuple(missed),
        texts=tuple(entry.text for entry in counting[-NEEDED:]),
    )


def _past(wanted: journal_news.Wanted, now: datetime, deadline: timedelta) -> Heard:
    """What is usual can be read at the first look: the journal has the last days."""
    since = now - timedelta(days=DAYS)
    found = journal_news.past(wanted, since, now, deadline)
    begins = journal_news.begins_after(since, deadline) or since
    if found.cut:
        begins = datetime.fromtimestamp(found.entries[0].at, UTC) if found.entries else now
    return Heard(stamps=[entry.at for entry in found.entries], cursor=found.place.cursor, since=begins)


def from_files(asked: Question, kept: Kept | None, now: datetime) -> Heard:
    """Read files. A line has no time of its own: what came since the last look is spread over that time.

    Raises OSError where a file that is named cannot be read.
    """
    found = log_files.news((asked.file,), kept.files if kept is not None else None)
    lines = [line for _, line in found.lines if counts(line, asked)]
    missed = list(found.missed) if kept is not None else []
    if not found.found:
        missed.append("no file is there")
    stamps = _spread(len(lines), kept.at if kept is not None else now, now, asked.within)
    if kept is not None and lines and now - kept.at > asked.within:
        missed.append(f"nobody looked since {_utc(kept.at)}, lines of that time are counted as if they came evenly")
    return Heard(stamps=stamps, files=tuple(found.places), missed=tuple(missed), texts=tuple(lines[-NEEDED:]))


def _spread(count: int, since: datetime, now: datetime, within: timedelta) -> list[float]:
    """What was written while nobody looked for longer than counts must not look as if it came just now."""
    begin, end = min(since, now).timestamp(), now.timestamp()
    late = 0.5 if end - begin > within.total_seconds() else 1.0
    return [begin + (number + late) * (end - begin) / count for number in range(count)]


def counts(line: str, asked: Question) -> bool:
    """Whether a line of a file is as bad as asked, and matches."""
    if asked.priority:
        level = level_of(line)
        if level is None or level > PRIORITIES.index(asked.priority):
            return False
    return matches(line, asked.expression)


def matches(text: str, expression: str) -> bool:
    """Whether a text matches; without an expression everything does."""
    return not expression or compiled(expression).search(text.encode(errors="replace")) is not None


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def last_lines(asked: Question, most: int) -> tuple[str, ...]:
    """Return the last lines of the files that count. Raises OSError."""
    found = log_files.news((asked.file,), None, tail=_TAIL)
    return tuple(line[:_SHOWN] for _, line in found.lines if counts(line, asked))[-most:]
