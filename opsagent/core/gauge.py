"""What a number means: its limits now, its pace, and what must be known of the looks before."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opsagent.core.growth import Growth, Series
from opsagent.core.observation import Status, grade

if TYPE_CHECKING:
    from datetime import timedelta

_TOO_SHORT = 1.0
"""Seconds between two looks under which a pace says more about rounding than about the number."""
_WORST_FIRST = (Status.CRITICAL, Status.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the looks before saw: the last number with its time (seconds since 1970) and pace, and points for growth."""

    at: float | None = None
    value: float = 0.0
    pace: float | None = None
    series: Series = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that stand now; None never trips. `why` says in which hours, "" at any."""

    warning: float | None = None
    critical: float | None = None
    low_warning: float | None = None
    low_critical: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a number: how bad, which class, and by which limit it is."""

    status: Status
    failure_class: str
    limit: float


def recalled(text: str) -> Memory:
    """Read what `text_of` wrote; what cannot be read is nothing."""
    try:
        found: dict[str, Any] = json.loads(text)
        series = tuple((float(at), float(value)) for at, value in found["series"])
        at, pace = (None if found[key] is None else float(found[key]) for key in ("at", "pace"))
        return Memory(at=at, value=float(found["value"]), pace=pace, series=series)
    except (ValueError, TypeError, LookupError):
        return Memory()


def text_of(memory: Memory) -> str:
    """Write what the next look must know."""
    return json.dumps({"at": memory.at, "value": memory.value, "pace": memory.pace, "series": memory.series})


def paced(memory: Memory, at: float, value: float, per: timedelta) -> Memory:
    """Return the memory after one more look: by how much the number rose since the last one, in so long.

    A number that fell was begun anew from nothing, as a counter is when its process restarts.
    """
    if memory.at is not None and 0 <= at - memory.at < _TOO_SHORT:
        return memory
    if memory.at is None or at < memory.at:
        return replace(memory, at=at, value=value, pace=None)
    rise = value - memory.value if value >= memory.value else value
    return replace(memory, at=at, value=value, pace=rise / (at - memory.at) * per.total_seconds())


def finding(value: float, limits: Limits) -> Finding | None:
    """Return what is wrong with a number, None if nothing is."""
    high = grade(value, limits.warning, limits.critical)
    low = grade(-value, _negative(limits.low_warning), _negative(limits.low_critical))
    for status in _WORST_FIRST:
        if high is status:
            return Finding(status=status, failure_class="high", limit=_of(status, limits.warning, limits.critical))
        if low is status:
            limit = _of(status, limits.low_warning, limits.low_critical)
            return Finding(status=status, failure_class="low", limit=limit)
    return None


def growing(value: float, growth: float | None, allowed: Growth) -> Finding | None:
    """Return whether a number grows more than it may, None if not, if it is too small to mind, or if nobody knows."""
    if growth is None or value <= allowed.above:
        return None
    status = grade(growth, allowed.warning, allowed.critical)
    if status is Status.OK:
        return None
    return Finding(status=status, failure_class="growth", limit=_of(status, allowed.warning, allowed.critical))


def worse(one: Finding | None, other: Finding | None) -> Finding | None:
    """Return the worse of two, the first if they are alike."""
    if one is None or other is None:
        return one or other
    return other if other.status is Status.CRITICAL and one.status is Status.WARNING else one


def _negative(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _of(status: Status, warning: float | None, critical: float | None) -> float:
    """Return the limit that was passed; there is one, else nothing would have been found."""
    limit = critical if status is Status.CRITICAL else warning
    return 0.0 if limit is None else limit
