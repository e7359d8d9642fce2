"""Time as values: differences that survive a clock set back, local dates, growing waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY_BEGINS, DAY_ENDS = 8, 20  # local hours


def elapsed(since: datetime, now: datetime) -> timedelta:
    """Return how long ago `since` was; a moment in the future counts as long ago.

    Budgets bound the harm of acting early; nothing bounds waiting for ever.
    """
    return now - since if now >= since else timedelta.max


def local(at: datetime, zone: str) -> datetime:
    """Return the wall time in a zone."""
    return at.astimezone(ZoneInfo(zone))


def local_date(at: datetime, zone: str) -> date:
    """Return the date that daily files of this zone give to a moment."""
    return local(at, zone).date()


def by_day(at: datetime, zone: str) -> bool:
    """Whether it is the time of day at which people may be told what can wait: 08:00 to 20:00 in the zone."""
    return DAY_BEGINS <= local(at, zone).hour < DAY_ENDS


def resolve(wall: datetime, zone: str) -> datetime:
    """Return the UTC moment of a naive wall time: the first of two in an overlap, the first after a gap.

    One rule for begins and ends, so that windows neither leave a hole nor overlap when clocks change.
    """
    early = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    moment = early.astimezone(UTC)
    if moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall:
        return moment
    before = wall.replace(tzinfo=ZoneInfo(zone), fold=0).utcoffset() or timedelta()
    after = wall.replace(tzinfo=ZoneInfo(zone), fold=1).utcoffset() or timedelta()
    return _first_after_gap(moment, zone, abs(after - before))


def _first_after_gap(moment: datetime, zone: str, width: timedelta) -> datetime:
    """Search the transition that made the gap: the first moment with the new offset, to the second."""
    low, high = moment - width, moment
    offset = high.astimezone(ZoneInfo(zone)).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(ZoneInfo(zone)).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def iso(at: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds and Z, as every record has it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spoken(span: timedelta) -> str:
    """Return a span as an operator says it: 0.4 s, 45 s, 12 min, 5 h 37 min, 31 d."""
    seconds = span.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - under ten seconds a tenth matters
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 120:  # noqa: PLR2004 - two minutes are said in minutes
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004 - two days are said in days
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} d"
