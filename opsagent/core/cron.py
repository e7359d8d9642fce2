"""When a crontab's line is due, as Debian's cron has it: five fields, in a zone whose clocks change twice a year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from opsagent.core.text import visible
from opsagent.core.timing import local, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_LONGEST = 200
_PART = re.compile(r"(?P<all>\*)|(?P<low>[0-9a-z]{1,3})(?:-(?P<high>[0-9a-z]{1,3}))?", re.ASCII)
FARTHEST = timedelta(days=41 * 366)
"""How far is looked ahead: a 29 February that must be a certain weekday comes every 28 years, 40 over a 2100."""
_WIDEST_SHIFT = timedelta(hours=3)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """A line's fields, as the sets they stand for; Sunday is 0.

    `fixed`: neither minute nor hour begins with `*`. Such a job runs once a day also when the clocks change: what
    falls into the hour that is left out runs right after it, what falls into the one that comes twice runs the first
    time. Every other job follows the wall clock. `either`: both days are given, and one of them is enough.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    fixed: bool
    either: bool

    def is_day(self, day: date) -> bool:
        """Whether it runs on that date at all."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return in_month or in_week if self.either else in_month and in_week


@lru_cache(maxsize=256)
def parse(text: str) -> Cron:
    """Read `30 2 * * mon-fri` or `@daily`. ValueError says what is allowed."""
    shown = visible(repr(text), 80)
    line = text.strip().lower()
    if line.startswith("@") and line not in NICKNAMES:
        raise ValueError(f"cannot use cron {shown}, allowed: five fields or {', '.join(NICKNAMES)}")
    fields = NICKNAMES.get(line, line).split()
    if len(fields) != len(_FIELDS) or len(line) > _LONGEST:
        names = ", ".join(name for name, *_ in _FIELDS)
        raise ValueError(f"cannot read cron {shown}, allowed: five fields ({names}), or a word such as @daily")
    sets = [_field(field, *about) for field, about in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = sets
    made = Cron(
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=frozenset(days),
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays),
        fixed=not (fields[0].startswith("*") or fields[1].startswith("*")),
        either=not (fields[2].startswith("*") or fields[4].startswith("*")),
    )
    if _next_day(made, date(2000, 1, 1)) is None:
        raise ValueError(f"cannot use cron {shown}: there is no such day in any year")
    return made


def _field(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        found |= _part(part, name, least, most, words)
    return found


def _part(text: str, name: str, least: int, most: int, words: tuple[str, ...]) -> set[int]:
    """Read `*`, `*/15`, `5`, `1-5`, `1-5/2` or a name."""
    wrong = ValueError(f"cannot read {visible(repr(text), 40)} as a {name} of cron, {_allowed(least, most, words)}")
    body, slash, step = text.partition("/")
    found = _PART.fullmatch(body)
    if found is None or (slash and not (step.isascii() and step.isdigit() and int(step))):
        raise wrong
    if found["all"]:
        low, high = least, most
    elif slash and found["high"] is None:
        raise wrong  # cron refuses 5/15 too
    else:
        low = _number(found["low"], least, words)
        high = low if found["high"] is None else _number(found["high"], least, words)
    if not least <= low <= high <= most:
        raise wrong
    return set(range(low, high + 1, int(step or 1)))


def _number(text: str, least: int, words: tuple[str, ...]) -> int:
    if text in words:
        return words.index(text) + least
    return int(text) if text.isdigit() else -1


def _allowed(least: int, most: int, words: tuple[str, ...]) -> str:
    names = f" or {words[0]} to {words[-1]}" if words else ""
    return f"allowed: {least} to {most}{names}, lists 1,3, ranges 1-5, steps */5"


@lru_cache(maxsize=4096)
def next_after(cron: Cron, at: datetime, zone: str) -> datetime:
    """Return the first moment (UTC) after `at` at which it is due; the last one there is where none comes any more."""
    times = [_first(_moments(cron, at, zone, fold), at) for fold in ((0,) if cron.fixed else (0, 1))]
    found = [moment for moment in times if moment is not None]
    return min(found, default=datetime.max.replace(tzinfo=UTC))


def _first(moments: Iterator[datetime], at: datetime) -> datetime | None:
    return next((moment for moment in moments if moment > at), None)


def _moments(cron: Cron, at: datetime, zone: str, fold: int) -> Iterator[datetime]:
    """Yield, in order, when the wall shows a time of the line: a fixed one always once."""
    for wall in _walls(cron, local(at, zone).replace(tzinfo=None) - _WIDEST_SHIFT):
        if cron.fixed:
            yield resolve(wall, zone)
            continue
        moment = wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
        if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall:
            yield moment


def _walls(cron: Cron, begin: datetime) -> Iterator[datetime]:
    """Yield the wall times of the line from `begin` on."""
    day: date | None = begin.date()
    until = begin.date() + FARTHEST
    while day is not None and (day := _next_day(cron, day)) is not None and day < until:
        for hour in cron.hours:
            for minute in cron.minutes:
                wall = datetime.combine(day, time(hour, minute))
                if wall >= begin:
                    yield wall
        day += _DAY


def _next_day(cron: Cron, day: date) -> date | None:
    """Return the first date from `day` on at which it runs; None when there is none for 41 years."""
    until = day + FARTHEST
    while day < until:
        if cron.is_day(day):
            return day
        skip = day.month not in cron.months
        day = (day.replace(day=28) + timedelta(days=4)).replace(day=1) if skip else day + _DAY
    return None
