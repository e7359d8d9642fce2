"""Which recorded events were seen, which were decided, and how what was seen reaches the core once more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import inbox, intake
from opsagent.core.incident import IllegalTransitionError, target
from opsagent.core.phase import Phase
from opsagent.core.suspicion import label
from opsagent.core.world import OPENED, OPENING, Draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.unit import StopSeen
    from opsagent.core.world import World

US = "opsagent"

DECIDED = (
    ev.AckEnded,
    ev.AckReminded,
    ev.ActionJudged,
    ev.ActionRefused,
    ev.ActionRequested,
    ev.BlipSeen,
    ev.BreakerClosed,
    ev.BreakerOpened,
    ev.ChangesRecalled,
    ev.CheckJoined,
    ev.ChronicHealing,
    ev.FlappingEnded,
    ev.FlappingStarted,
    ev.HealthChanged,
    ev.IncidentClosed,
    ev.IncidentConfirmed,
    ev.IncidentReopened,
    ev.IncidentResolved,
    ev.IncidentSuspected,
    ev.IncidentWithdrawn,
    ev.LevelPaged,
    ev.NotificationQueued,
    ev.OperatorStopEnded,
    ev.PatternSeen,
    ev.PatternWritten,
    ev.PauseEnded,
    ev.PlaybookMatched,
    ev.RecoverySeen,
    ev.RemedyLowered,
    ev.Relapsed,
    ev.RepairMoved,
    ev.RepairSuggested,
    ev.RunbookDrafted,
    ev.SettingsApplied,
    ev.SeverityRaised,
    ev.SnoozeEnded,
    ev.StartupSeen,
    ev.SuggestionExpired,
    ev.SuppressionChanged,
    ev.SuspectCleared,
    ev.TicketOpened,
    ev.TrustEarned,
    ev.TrustForgotten,
)
"""What the core decided: it decides anew. What a person decided is a fact, whatever its type."""
DELIVERED = (ev.NotificationSent, ev.NotificationFailed, ev.NotificationExpired)


def is_fact(recorded: Recorded, reported: frozenset[int]) -> bool:
    """Whether an event was seen or said, not decided. `reported` are the incidents that somebody reported."""
    event = recorded.event
    if isinstance(event, ev.ActionEnded | ev.UnknownEvent | ev.SettingsApplied | ev.NotificationQueued):
        return False
    if isinstance(event, ev.IncidentSuspected | ev.IncidentConfirmed | ev.ReportJoined):
        return recorded.incident in reported or recorded.actor != US
    return recorded.actor != US or not isinstance(event, DECIDED)


class Facts:
    """Turns what one turn recorded into arrivals, for the incidents as they are now known to the core."""

    def __init__(self, keys: Mapping[int, str], reported: frozenset[int]) -> None:
        """`keys` are the open keys of the recorded incidents, `reported` those that no check saw."""
        self._keys = keys
        self._reported = reported

    def arrivals(self, rows: Sequence[Recorded], world: World) -> list[inbox.Arrival]:
        """Return what the rows of one turn say that was seen."""
        found: list[inbox.Arrival] = []
        stops = [one.event.stop for one in rows if isinstance(one.event, ev.OperatorStopped)]
        opened: set[int] = set()
        for row in rows:
            if not is_fact(row, self._reported) or _with_unit(row, rows):
                continue
            match row.event:
                case ev.UnitObserved():
                    found.append(_unit(row.event, world, stops))
                case ev.ClockJumped(by=by):
                    found.append(inbox.ClockSeen(by=by))
                case _:
                    found += self._recalled(row, world, opened)
        return found

    def _recalled(self, row: Recorded, world: World, opened: set[int]) -> list[inbox.Arrival]:
        event, seq = row.event, row.incident
        incident: int | None = None
        if isinstance(event, DELIVERED):
            owed = world.state.owed.get(event.key)
            return [_recalled(event, owed.incident, row.actor)] if owed is not None else []
        if seq is not None:
            about = world.state.open_for(self._keys.get(seq, ""))
            if isinstance(event, ev.IncidentSuspected):
                opened |= {seq} if about is None else set()
                return [_recalled(event, OPENING, row.actor)] if about is None else []
            if isinstance(event, ev.IncidentConfirmed):
                event = replace(event, label=label(world))
            incident = OPENED if seq in opened else _fitting(about, event)
            if incident is None:
                return []
        return [_recalled(event, incident, row.actor)]


def _recalled(event: ev.Event, incident: int | None, actor: str) -> inbox.Recalled:
    return inbox.Recalled(facts=(Draft(event=event, incident=incident, actor=actor),))


def united(arrivals: Iterable[inbox.Arrival]) -> list[inbox.Arrival]:
    """Return facts that follow each other as one: an incident is opened and believed in one breath."""
    found: list[inbox.Arrival] = []
    for one in arrivals:
        last = found[-1] if found else None
        if isinstance(one, inbox.Recalled) and isinstance(last, inbox.Recalled):
            found[-1] = inbox.Recalled(facts=(*last.facts, *one.facts))
        else:
            found.append(one)
    return found


def _fitting(about: Incident | None, event: ev.Event) -> int | None:
    """Return the incident's number, None where it is not there, or not in a state in which this can be."""
    if about is None or (isinstance(event, ev.IncidentConfirmed) and about.state is not Phase.SUSPECT):
        return None
    try:
        target(about.state, event)
    except IllegalTransitionError:
        return None
    return about.seq


def _with_unit(row: Recorded, rows: Sequence[Recorded]) -> bool:
    """Whether this is a stop that is told together with its unit: then the unit is judged by it."""
    if not isinstance(row.event, ev.OperatorStopped):
        return False
    units = {one.event.snapshot.name for one in rows if isinstance(one.event, ev.UnitObserved)}
    return row.event.stop.unit in units


def _unit(event: ev.UnitObserved, world: World, stops: Iterable[StopSeen]) -> inbox.Arrival:
    """A unit that looks different is judged; one that differs in what only guards ask was read before a repair."""
    seen = event.snapshot
    if intake.unit(world, seen):
        return inbox.UnitSeen(snapshot=seen, stops=tuple(stop for stop in stops if stop.unit == seen.name))
    return _recalled(event, None, US)
