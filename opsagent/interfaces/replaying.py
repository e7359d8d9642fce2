"""The record of an instance and other settings, brought together for a replay, and its result as JSON knows it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core.timing import iso
from opsagent.interfaces import known
from opsagent.replay import asked, record
from opsagent.replay.asked import Era, Note
from opsagent.replay.back_test import Result, Settled, back_test
from opsagent.replay.differences import totals
from opsagent.replay.running import TOGETHER, millis
from opsagent.settings import SettingsError
from opsagent.store.history import History
from opsagent.store.samples import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from opsagent.core import events as ev
    from opsagent.core.log_row import Row
    from opsagent.interfaces.cli.place import Place
    from opsagent.replay.incidents import Outline, Repaired
    from opsagent.replay.record import Record
    from opsagent.settings import Settings

SOON, LATE = timedelta(seconds=1), timedelta(minutes=2)
RULE = (
    "a repair that is on record ends as it did; what any other would have done nobody knows, "
    "so the recorded looks go on as they were"
)


def replayed(
    where: Place,
    rows: Iterable[Row],
    new: Settings,
    span: tuple[datetime, datetime],
    tell: Callable[[datetime], object],
) -> dict[str, Any]:
    """Run settings over a record and return what differs. Raises FileNotFoundError where there are no looks."""
    written, late = _written(where, span)
    span = (span[0], written)
    found = record.read(rows, *span)
    eras = [Era(begin=millis(at), settings=_of_then(event, where)) for at, event in _in_force(found)]
    with History.open(where.state / NAME) as history:
        courses, notes = asked.courses(history, eras, new, span)
    text = "\n".join(f"# {one.path}\n{one.text}" for one in new.sources)
    digest = "+".join(one.sha256 for one in new.sources) or "none"
    settled = Settled(policy=asked.without(new.policy, courses), digest=digest, text=text)
    result = back_test(found, courses, settled, tell)
    return _as_json(result, span, [*_about_settings(found, eras, new), *late, *notes, *_lost(result)])


def _written(where: Place, span: tuple[datetime, datetime]) -> tuple[datetime, list[Note]]:
    """Return up to when there are looks, for they are written once a minute: what came later cannot be replayed."""
    with History.open(where.state / NAME) as history:
        latest, is_empty = history.latest(), not history.checks()
    if is_empty or (latest is not None and latest < span[0]):
        raise FileNotFoundError(f"no looks are on record after {iso(span[0])}: they are written once a minute")
    if latest is None or latest >= span[1]:
        return span[1], []
    until = latest + TOGETHER  # what was decided by it is told a moment later
    is_whole = not SOON < span[1] - until < LATE  # nobody looked since then, or nothing that matters is missing
    said = f"looks are on record up to {iso(latest)}, for they are written once a minute: the rest is left out"
    return until, [] if is_whole else [Note(check="", text=said)]


def _in_force(found: Record) -> list[tuple[datetime, ev.SettingsApplied]]:
    """Return the settings that were in force in the span, those of its beginning first."""
    before = [one for one in found.settings if one[0] <= found.since]
    return [*before[-1:], *(one for one in found.settings if one[0] > found.since)]


def _of_then(event: ev.SettingsApplied, where: Place) -> Settings | None:
    """Read the settings of a record; where secrets were struck out of them, those on disk if they are the same."""
    try:
        return known.recorded(event.text)
    except (SettingsError, ValueError):
        pass
    try:
        now = known.read(where.settings, draft=True) if where.settings else None
    except (SettingsError, OSError):
        return None
    same = now is not None and "+".join(one.sha256 for one in now.sources) == event.digest
    return now if same else None


def _about_settings(found: Record, eras: Sequence[Era], new: Settings) -> list[Note]:
    notes = []
    if len(eras) > 1:
        text = f"the settings were changed {len(eras) - 1} times in this span: what happened is of all of them"
        notes.append(Note(check="", text=text))
    if any(era.settings is None for era in eras):
        text = "the settings of then cannot be read any more: every answer is taken as it was"
        notes.append(Note(check="", text=text))
    known = {one.policy.name for era in eras[-1:] if era.settings for one in era.settings.watched}
    gone = sorted(known - {one.policy.name for one in new.watched})
    said = "is in force and not in these settings: nothing of it would be"
    notes += [Note(check=name, text=f"{name} {said}") for name in gone]
    if found.rows and found.rows[0].at > found.since and not found.state.seq:
        notes.append(Note(check="", text=f"the record begins at {iso(found.rows[0].at)}"))
    return notes


def _lost(result: Result) -> list[Note]:
    said = f"{result.lost} times what is on record did not fit what would have been: it was left out"
    return [Note(check="", text=said)] if result.lost else []


def _as_json(result: Result, span: tuple[datetime, datetime], notes: Sequence[Note]) -> dict[str, Any]:
    assumed = sum(one.assumed for incident in result.after for one in incident.repairs)
    return {
        "since": iso(span[0]),
        "until": iso(span[1]),
        "before": asdict(totals(result.before)),
        "after": asdict(totals(result.after)),
        "differences": [
            {
                "key": one.key,
                "at": iso(one.at),
                "check": next(side.check for side in (one.before, one.after) if side is not None),
                "how": list(one.how),
                "before": _outline(one.before),
                "after": _outline(one.after),
            }
            for one in result.different
        ],
        "assumed": assumed,
        "rule": RULE,
        "notes": [asdict(note) for note in notes],
    }


def _outline(one: Outline | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "label": one.label,
        "severity": one.severity.value,
        "failure_class": one.failure_class,
        "first_bad_at": iso(one.first_bad_at),
        "detected_at": iso(one.at),
        "resolved_at": iso(one.resolved_at) if one.resolved_at else None,
        "repairs": [_repair(each) for each in one.repairs],
        "pages": [{"at": iso(each.at), "level": each.level, "notifiers": list(each.notifiers)} for each in one.pages],
    }


def _repair(one: Repaired) -> dict[str, Any]:
    return {
        "at": iso(one.at),
        "remedy": one.remedy,
        "unit": one.unit,
        "outcome": one.outcome,
        "assumed": one.assumed,
    }
