"""Which backups are kept: the newest ones, and the newest of each of the last days, weeks and months that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.timing import local_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from opsagent.core.backup.job import Keep


def kept(stamps: Iterable[datetime], keep: Keep, zone: str) -> frozenset[datetime]:
    """Return the moments whose backups stay. The newest always stays, whatever `keep` says."""
    newest_first = sorted(stamps, reverse=True)
    wanted = set(newest_first[: max(1, keep.last)])
    for most, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        wanted |= _newest_of_each(newest_first, most, zone, period)
    return frozenset(wanted)


def _newest_of_each(
    newest_first: list[datetime], most: int, zone: str, period: Callable[[date], tuple[int, ...]]
) -> set[datetime]:
    found: dict[tuple[int, ...], datetime] = {}
    for stamp in newest_first:
        found.setdefault(period(local_date(stamp, zone)), stamp)
    return set(list(found.values())[:most])


def _day(day: date) -> tuple[int, ...]:
    return (day.year, day.month, day.day)


def _week(day: date) -> tuple[int, ...]:
    return tuple(day.isocalendar())[:2]


def _month(day: date) -> tuple[int, ...]:
    return (day.year, day.month)
