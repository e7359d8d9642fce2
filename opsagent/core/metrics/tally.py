"""What one run of the daemon has counted. Counters begin at zero at its start, as Prometheus expects of a process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Status
from opsagent.core.phase import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.observation import Observation
    from opsagent.core.state import State

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends in seconds, those of Prometheus' own libraries: from a listener table's look to the longest time-out."""
Counts = Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the looks at one check took: how many fell into each bucket (the last: beyond all), and all seconds."""

    counts: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    seconds: float = 0.0

    def with_one(self, seconds: float) -> Latency:
        """Return it after one more look."""
        place = bisect_left(BUCKETS, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Latency(counts=counts, seconds=self.seconds + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts by their labels' values: `looks` by check and status, `repairs` by remedy and outcome, and so on.

    `settings_at` is when settings were last put into force, `beat_seconds` how long the last heartbeat took.
    """

    latency: Mapping[str, Latency] = field(default_factory=dict)
    looks: Counts = field(default_factory=dict)
    opened: Counts = field(default_factory=dict)
    resolved: Counts = field(default_factory=dict)
    pages: Counts = field(default_factory=dict)
    repairs: Counts = field(default_factory=dict)
    messages: Counts = field(default_factory=dict)
    heartbeats: int = 0
    beat_seconds: float = 0.0
    settings_at: datetime | None = None


def looked(tally: Tally, seen: Observation) -> Tally:
    """Count one look."""
    latency = tally.latency.get(seen.check, Latency()).with_one(max(0.0, seen.seconds))
    return replace(
        tally,
        latency={**tally.latency, seen.check: latency},
        looks=_more(tally.looks, seen.check, seen.reading.status.value),
    )


def told(tally: Tally, steps: Sequence[tuple[State, State, Recorded]]) -> Tally:
    """Count what one turn recorded: each event with the state before and after it."""
    for before, after, recorded in steps:
        tally = _counted(tally, before, after, recorded)
    return tally


def _counted(tally: Tally, before: State, after: State, recorded: Recorded) -> Tally:
    event = recorded.event
    match event:
        case ev.HeartbeatDone():
            return replace(tally, heartbeats=tally.heartbeats + 1, beat_seconds=event.seconds)
        case ev.SettingsApplied():
            return replace(tally, settings_at=recorded.at)
        case ev.ActionRefused():
            return replace(tally, repairs=_more(tally.repairs, event.remedy, Outcome.REFUSED.value))
        case ev.ActionJudged():
            remedy = _remedy(after, recorded.incident, event.action) or _remedy(before, recorded.incident, event.action)
            return replace(tally, repairs=_more(tally.repairs, remedy, event.outcome)) if remedy else tally
        case ev.NotificationSent() | ev.NotificationExpired() | ev.NotificationFailed(next_at=None):
            owed = before.owed.get(event.key)
            return replace(tally, messages=_more(tally.messages, owed.notifier, _fate(event))) if owed else tally
        case ev.IncidentConfirmed():
            return replace(tally, opened=_more(tally.opened, event.severity.value))
        case ev.IncidentResolved() | ev.LevelPaged():
            return _of_incident(tally, before, recorded)
        case _:
            return tally


def _of_incident(tally: Tally, before: State, recorded: Recorded) -> Tally:
    incident = before.incident(recorded.incident)
    severity = incident.severity.value if incident is not None and incident.severity else ""
    if not severity:
        return tally
    if isinstance(recorded.event, ev.LevelPaged):
        return replace(tally, pages=_more(tally.pages, severity))
    return replace(tally, resolved=_more(tally.resolved, severity))


def _remedy(state: State, seq: int | None, action: int) -> str:
    incident = state.incident(seq)
    return next((one.remedy for one in incident.actions if one.seq == action), "") if incident else ""


def _fate(event: ev.Event) -> str:
    words = {ev.NotificationSent: "sent", ev.NotificationExpired: "expired"}
    return words.get(type(event), "failed")


def _more(counts: Counts, *key: str) -> Counts:
    return {**counts, key: counts.get(key, 0) + 1}


def with_zeros(counts: Counts, *keys: tuple[str, ...]) -> Counts:
    """Return the counts, 0 where nothing was counted: a series that begins at 1 hides its first event from a rate."""
    return {**dict.fromkeys(keys, 0), **counts}


STATUSES = tuple(status.value for status in Status)
