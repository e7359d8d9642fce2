"""Applying one event to the state: `fold` is the only way the state changes. Each area has a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.archive.record import recorded_of
from opsagent.core.experience import learned
from opsagent.core.fold import (
    archive,
    backups,
    changes,
    environment,
    guides,
    host,
    incidents,
    jobs,
    logs,
    ourselves,
    people,
    repairs,
    trust,
)
from opsagent.core.fold.day import counted
from opsagent.core.fold.rule import folded
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

AREAS = (archive, backups, changes, environment, guides, host, incidents, jobs, logs, ourselves, people, repairs, trust)
"""Each registers what its events do to the state."""


def fold(state: State, recorded: Recorded) -> State:
    """Return the state after this event. Raises `IllegalTransitionError`, and then nothing changed."""
    changed = incidents.about_incident(state, recorded) if recorded.incident is not None else state
    changed = folded(recorded.event, changed, recorded)
    records = recorded_of(changed, recorded)
    if records is not changed.archive.records:
        changed = replace(changed, archive=replace(changed.archive, records=records))
    known = learned(state, changed, recorded) if recorded.incident is not None else state.experience
    return replace(changed, seq=recorded.seq, at=recorded.at, day=counted(state, changed, recorded), experience=known)


def replay(state: State, recorded: Iterable[Recorded]) -> tuple[State, int]:
    """Fold a whole log, leniently: one impossible event is skipped and counted, for it must not stop a start."""
    skipped = 0
    for one in recorded:
        try:
            state = fold(state, one)
        except IllegalTransitionError:
            skipped += 1
    return state, skipped
