"""What happened beside what would have happened: incident by incident, and in sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.timing import spoken
from opsagent.replay.incidents import Outline

if TYPE_CHECKING:
    from collections.abc import Sequence

SAME_MOMENT = timedelta(seconds=10)
"""The daemon itself comes round every five seconds only while nothing moves."""
SAME_TROUBLE = timedelta(hours=1)
"""Two incidents of one key whose first bad looks are so near to each other are one, seen by two settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One incident that would differ: as it was and as it would be (None: not at all), and how, a phrase each."""

    key: str
    before: Outline | None
    after: Outline | None
    how: tuple[str, ...]

    @property
    def at(self) -> datetime:
        """When it was, or would have been, believed."""
        return next(one.at for one in (self.before, self.after) if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts of one side."""

    incidents: int
    repairs: int
    pages: int


def totals(found: Sequence[Outline]) -> Totals:
    """Count."""
    return Totals(
        incidents=len(found),
        repairs=sum(len(one.repairs) for one in found),
        pages=sum(len(one.pages) for one in found),
    )


def differences(before: Sequence[Outline], after: Sequence[Outline]) -> list[Difference]:
    """Return what differs, in the order of time."""
    left = list(after)
    found = []
    for one in before:
        same = min((other for other in left if _alike(one, other)), key=lambda other: _apart(one, other), default=None)
        if same is not None:
            left.remove(same)
        how = _how(one, same) if same is not None else ("would not have been",)
        if how:
            found.append(Difference(key=one.key, before=one, after=same, how=how))
    found += [Difference(key=one.key, before=None, after=one, how=("would be new",)) for one in left]
    return sorted(found, key=lambda one: one.at)


def _alike(one: Outline, other: Outline) -> bool:
    if one.key != other.key:
        return False
    overlaps = _begins(one) <= _ends(other) and _begins(other) <= _ends(one)
    return overlaps or _apart(one, other) <= SAME_TROUBLE


def _begins(one: Outline) -> datetime:
    return one.first_bad_at


def _ends(one: Outline) -> datetime:
    return one.resolved_at or datetime.max.replace(tzinfo=one.at.tzinfo)


def _apart(one: Outline, other: Outline) -> timedelta:
    return abs(one.first_bad_at - other.first_bad_at)


def _how(one: Outline, other: Outline) -> tuple[str, ...]:
    found = (
        _moved("believed", one.at, other.at),
        f"{other.severity} instead of {one.severity}" if one.severity is not other.severity else "",
        _repairs(one, other),
        _pages(one, other),
        _ended(one, other),
    )
    return tuple(how for how in found if how)


def _moved(what: str, before: datetime, after: datetime) -> str:
    if abs(after - before) <= SAME_MOMENT:
        return ""
    return f"{what} {spoken(abs(after - before))} {'later' if after > before else 'earlier'}"


def _ended(one: Outline, other: Outline) -> str:
    if one.resolved_at is not None and other.resolved_at is not None:
        return _moved("resolved", one.resolved_at, other.resolved_at)
    if one.resolved_at == other.resolved_at:
        return ""
    return "still open at the end" if other.resolved_at is None else "resolved within the span"


def _repairs(one: Outline, other: Outline) -> str:
    was, would = ([f"{each.remedy} {each.unit}" for each in side.repairs] for side in (one, other))
    if was == would:
        return ""
    return f"repairs: {_counted(would)} instead of {_counted(was)}"


def _pages(one: Outline, other: Outline) -> str:
    was, would = ([each.level for each in side.pages] for side in (one, other))
    if was != would:
        return f"pages: {_counted(would)} instead of {_counted(was)}"
    return _moved("first page", one.pages[0].at, other.pages[0].at) if was else ""


def _counted(names: Sequence[str]) -> str:
    """Return `2 x restart api.service`, `none`."""
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in Counter(names).items()) or "none"
