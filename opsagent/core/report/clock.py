"""Local wall time as the daily memory says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.timing import local

if TYPE_CHECKING:
    from datetime import date, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def hhmm(at: datetime, zone: str) -> str:
    """Return `03:41`; in the hour that a change of the clocks repeats, with the zone's abbreviation."""
    return _with_fold(at, zone, "%H:%M")


def hhmmss(at: datetime, zone: str) -> str:
    """Return `03:41:05`, marked like `hhmm`."""
    return _with_fold(at, zone, "%H:%M:%S")


def seen_from(at: datetime, zone: str, day: date) -> str:
    """Return `03:41`, or `Tue 03:41` within a week, or `2026-11-02 03:41` when it was not on that day."""
    there = local(at, zone).date()
    if there == day:
        return hhmm(at, zone)
    near = abs((there - day).days) < len(_DAYS)
    return f"{_DAYS[there.weekday()] if near else there} {hhmm(at, zone)}"


def moment(at: datetime, zone: str) -> str:
    """Return `2026-11-18 03:41 Europe/Berlin`: for a sentence that is kept, and read on another day or elsewhere."""
    return f"{local(at, zone).date()} {hhmm(at, zone)} {zone}"


def day_title(day: date) -> str:
    """Return `Wed 2026-11-18`, in English whatever the host's locale is."""
    return f"{_DAYS[day.weekday()]} {day}"


def _with_fold(at: datetime, zone: str, form: str) -> str:
    wall = local(at, zone)
    twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    return wall.strftime(f"{form} %Z" if twice else form)
