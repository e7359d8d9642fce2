"""What other settings ask of the record: answers as they were, numbers judged anew, or nothing that is on record."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING

from opsagent.checks import Grading
from opsagent.core.observation import Reading, Status
from opsagent.core.sampled import reading_of
from opsagent.replay.course import Course, Looks
from opsagent.replay.running import WARM
from opsagent.settings import Settings, Watched
from opsagent.store.chunks import STATUSES, Columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from opsagent.core.policy import Policy
    from opsagent.store.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What must be known of one check to believe the result."""

    check: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """From a time on (ms since 1970) these settings were in force; None: they cannot be read any more."""

    begin: int
    settings: Settings | None

    def watched(self, name: str) -> Watched | None:
        """Return the check of that name."""
        known = self.settings.watched if self.settings is not None else ()
        return next((one for one in known if one.policy.name == name), None)


def courses(
    history: History, eras: Sequence[Era], new: Settings, span: tuple[datetime, datetime]
) -> tuple[dict[str, Course], list[Note]]:
    """Return the looks at each check of the new settings, and what must be said of them."""
    found, notes = {}, []
    for one in new.watched:
        columns = united(list(history.columns(one.policy.name, span[0] - WARM, span[1])))
        looks, said = _looks(one, columns, eras)
        notes += [Note(check=one.policy.name, text=text) for text in said]
        if looks is not None:
            found[one.policy.name] = Course(one.policy.name, looks)
    return found, notes


def united(parts: Sequence[Columns]) -> Columns:
    """Return several runs of looks as one, in order of time."""
    names: dict[str | None, int] = {None: 0}
    times, values = array("q"), array("f")  # a month of 100 checks as lists of numbers takes 300 MB
    kinds = bytearray()
    for part in parts:
        places = bytes(names.setdefault(name, len(names)) for name in part.classes)
        kinds += part.kinds.translate(places.ljust(256, b"\0"))
        times.extend(part.times)
        values.extend(part.values)
    return Columns(
        times=times,
        statuses=b"".join(part.statuses for part in parts),
        kinds=bytes(kinds),
        classes=tuple(names),
        values=values,
    )


def _looks(new: Watched, columns: Columns, eras: Sequence[Era]) -> tuple[Looks | None, list[str]]:
    name = new.policy.name
    olds = [era.watched(name) for era in eras]
    known = [one for one in olds if one is not None]
    if not columns.times:
        return None, [f"no record: {name} {'is new' if not known else 'was not looked at in this span'}"]
    if other := next((how for one in known if (how := _asks_another(one, new))), ""):
        return None, [f"no record: {name} {other}"]
    judge = _Judge(new=new, columns=columns, begins=tuple(era.begin for era in eras), olds=tuple(olds))
    said = [f"{name} has another timeout: the answers are as they were"] if _timeouts(known, new) else []
    if all(one.check == new.check for one in known):
        return Looks(times=columns.times, statuses=columns.statuses, reading=judge.reading), said
    statuses = bytes(STATUSES.index(judge.reading(place).status) for place in range(len(columns.times)))
    said.append(f"{name} has other limits: judged anew by the numbers on record")
    return Looks(times=columns.times, statuses=statuses, reading=judge.reading), said


def _asks_another(old: Watched, new: Watched) -> str:
    """Say how a check asks another question than it did, "" where only its limits or its time-out differ."""
    if old.policy.kind != new.policy.kind:
        return f"was of kind {old.policy.kind}"
    if old.policy.unit != new.policy.unit:
        return f"was about {old.policy.unit or 'no unit'}"
    if _question(old.check) == _question(new.check):
        return ""
    return "asks something else than it did"


def _question(check: object) -> object:
    """Return what a check asks: its fields without the limits and without how long it waits."""
    asked = check.question() if isinstance(check, Grading) else check
    if not is_dataclass(asked):
        return asked
    return [type(asked), *(getattr(asked, one.name) for one in fields(asked) if one.name != "timeout")]


def _timeouts(olds: Sequence[Watched], new: Watched) -> bool:
    return any(getattr(one.check, "timeout", None) != getattr(new.check, "timeout", None) for one in olds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Reads the looks at one check as the new settings would have judged them."""

    new: Watched
    columns: Columns
    begins: tuple[int, ...]
    olds: tuple[Watched | None, ...]

    def reading(self, place: int) -> Reading:
        """Return one look. An answer that its number does not explain stays as it was, whatever the limits."""
        columns = self.columns
        status, kept = STATUSES[columns.statuses[place]], columns.classes[columns.kinds[place]]
        value, at = columns.values[place], columns.times[place]
        if not isinstance(self.new.check, Grading) or math.isnan(value):
            return reading_of(status, kept)
        graded = self.new.check.graded(value, at / 1000)
        recorded = reading_of(status, kept, graded.measures)
        old = self.olds[max(0, bisect_right(self.begins, at) - 1)] if self.olds else None
        if old is None or not isinstance(old.check, Grading) or status is Status.UNKNOWN:
            return recorded
        explained = old.check.graded(value, at / 1000)
        same = (explained.status, explained.failure_class) == (recorded.status, recorded.failure_class)
        return graded if same else recorded


def without(policy: Policy, known: dict[str, Course]) -> Policy:
    """Return the policy with the checks of which there is a record."""
    return replace(policy, checks=tuple(check for check in policy.checks if check.name in known))
