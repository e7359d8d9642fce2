"""An incident as a replay compares it: when, how bad, what was done, who was paged. From any list of events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Severity, worse_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """One order: its number, what, when, what came of it (`running`: nobody knows). `assumed`: it is on no record."""

    action: int
    at: datetime
    remedy: str
    unit: str
    outcome: str = "running"
    assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """One page or reminder to a level."""

    at: datetime
    level: str
    notifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One incident in outline. All times UTC; `at` is when it was believed."""

    seq: int
    key: str
    check: str
    label: str
    at: datetime
    first_bad_at: datetime
    severity: Severity
    failure_class: str
    resolved_at: datetime | None = None
    repairs: tuple[Repaired, ...] = ()
    pages: tuple[Paged, ...] = ()


def outlines(state: State, recorded: Iterable[Recorded], assumed: Collection[int] = ()) -> list[Outline]:
    """Return the incidents of a span in the order in which they were believed; first those that were open before it."""
    found = {one.seq: _carried(one) for one in state.incidents.values() if one.label is not None}
    began: dict[int, ev.IncidentSuspected] = {
        one.seq: ev.IncidentSuspected(
            key=one.key,
            check=one.check,
            unit=one.unit,
            failure_class=one.failure_class,
            message=one.reason,
            first_bad_at=one.first_bad_at,
        )
        for one in state.incidents.values()
    }
    for row in recorded:
        if isinstance(row.event, ev.IncidentSuspected):
            began[row.seq] = row.event
        elif isinstance(row.event, ev.IncidentConfirmed) and row.incident in began:
            found[row.incident] = _begun(row, row.event, began[row.incident])
        elif row.incident in found:
            found[row.incident] = _after(found[row.incident], row, assumed)
    return list(found.values())


def _carried(incident: Incident) -> Outline:
    return Outline(
        seq=incident.seq,
        key=incident.key,
        check=incident.check,
        label=incident.label or "",
        at=incident.detected_at or incident.first_bad_at,
        first_bad_at=incident.first_bad_at,
        severity=incident.severity or Severity.SEV4,
        failure_class=incident.failure_class,
        resolved_at=incident.resolved_at,
    )


def _begun(row: Recorded, believed: ev.IncidentConfirmed, suspected: ev.IncidentSuspected) -> Outline:
    return Outline(
        seq=row.incident or 0,
        key=suspected.key,
        check=suspected.check,
        label=believed.label,
        at=row.at,
        first_bad_at=suspected.first_bad_at,
        severity=believed.severity,
        failure_class=believed.failure_class,
    )


def _after(known: Outline, row: Recorded, assumed: Collection[int]) -> Outline:
    match row.event:
        case ev.SeverityRaised(to=severity):
            return replace(known, severity=worse_of(known.severity, severity))
        case ev.ActionRequested() as event:
            order = Repaired(
                action=row.seq,
                at=row.at,
                remedy=f"{event.remedy} {event.act}".strip(),
                unit=event.unit,
                assumed=row.seq in assumed,
            )
            return replace(known, repairs=(*known.repairs, order))
        case ev.ActionJudged(action=action, outcome=outcome):
            judged = (replace(one, outcome=outcome) if one.action == action else one for one in known.repairs)
            return replace(known, repairs=tuple(judged))
        case ev.LevelPaged() as event:
            page = Paged(at=row.at, level=event.level, notifiers=event.notifiers)
            return replace(known, pages=(*known.pages, page))
        case ev.IncidentResolved() | ev.IncidentWithdrawn():
            return replace(known, resolved_at=known.resolved_at or row.at)
        case ev.IncidentReopened():
            return replace(known, resolved_at=None)
        case _:
            return known
