"""What others changed on the host."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import PEOPLE, Change, ChangeKind
from opsagent.core.fold.rule import KEEP_PAST, folded
from opsagent.core.renewal import replace
from opsagent.core.timing import local_date

if TYPE_CHECKING:
    from opsagent.core.change import Changes
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

KEEP = timedelta(hours=24)
MOST = 60
"""Changes that are remembered; of logins and commands of people only the last few."""
MOST_OF_PEOPLE = 20


@folded.register(ev.ChangeSeen)
def _(event: ev.ChangeSeen, state: State, recorded: Recorded) -> State:
    change = Change(**{one.name: getattr(event, one.name) for one in fields(Change)})
    fresh = (one for one in state.changes.known if recorded.at - one.at < KEEP)
    counted = _counted(state.changes, change, state, recorded)
    return replace(state, changes=replace(counted, known=_bounded((*fresh, change))))


def _bounded(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Keep the last ones in their order; logins never push out what was changed."""
    people = [one for one in changes if one.kind in PEOPLE][-MOST_OF_PEOPLE:]
    others = [one for one in changes if one.kind not in PEOPLE][-MOST:]
    return tuple(sorted((*people, *others), key=lambda one: one.at))


def _counted(changes: Changes, change: Change, state: State, recorded: Recorded) -> Changes:
    today = local_date(recorded.at, state.zone)
    logins, commands = (changes.logins, changes.commands) if changes.day == today else (0, 0)
    logins += change.count if change.kind is ChangeKind.LOGIN else 0
    commands += change.count if change.kind is ChangeKind.SUDO else 0
    return replace(changes, day=today, logins=logins, commands=commands)


@folded.register(ev.TicketOpened)
def _(event: ev.TicketOpened, state: State, recorded: Recorded) -> State:
    del event
    incident = state.incidents.get(recorded.incident or 0)
    if incident is None:
        return state
    recent = {key: at for key, at in state.changes.tickets.items() if recorded.at - at < KEEP_PAST}
    tickets = {**recent, incident.fingerprint: recorded.at}
    return replace(state, changes=replace(state.changes, tickets=tickets))
