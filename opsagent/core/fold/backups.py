"""Backups that were made, and restores that were rehearsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.backup.known import Known
from opsagent.core.fold.rule import folded
from opsagent.core.renewal import replace

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State


@folded.register(ev.BackupMade)
def _(event: ev.BackupMade, state: State, recorded: Recorded) -> State:
    del recorded
    known = replace(state.backups.get(event.job, Known()), tried_at=event.began_at, reason=event.reason)
    if not event.reason:
        known = replace(known, good_at=event.began_at, snapshot=event.snapshot, size=event.size)
    return replace(state, backups={**state.backups, event.job: known})


@folded.register(ev.RestoreDrilled)
def _(event: ev.RestoreDrilled, state: State, recorded: Recorded) -> State:
    del recorded
    known = replace(state.backups.get(event.job, Known()), drilled_at=event.began_at, drill_reason=event.reason)
    if not event.reason:
        known = replace(known, proven_at=event.began_at, proven_seconds=event.seconds, proof=event.proven_by)
    return replace(state, backups={**state.backups, event.job: known})
