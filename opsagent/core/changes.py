"""Questions about changes: what changed lately, whose hands it holds back, what it broke."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import PEOPLE, Change, ChangeKind, phrase
from opsagent.core.nearness import near, nearest, needs
from opsagent.core.renewal import replace
from opsagent.core.timing import elapsed, spoken
from opsagent.core.wording import bad_since
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from opsagent.core.incident import Incident
    from opsagent.core.state import State

LOOK_BACK = timedelta(hours=24)
"""So long before an incident a change is worth telling."""
OF_PEOPLE = timedelta(minutes=30)
"""So long before it what somebody did with sudo is."""
A_MOMENT = timedelta(seconds=2)
"""A restart that is part of a change may fail before the last file of it is written."""
MOST = 10
MOST_DIFF = 20


def recent(
    state: State, now: datetime, within: timedelta, *, kinds: Iterable[ChangeKind] = tuple(ChangeKind), unit: str = ""
) -> tuple[Change, ...]:
    """Return the changes of these kinds that were made within that time before `now`, newest first.

    With a `unit` only those of that unit. No further back than a day, which is what the state remembers.
    """
    wanted = frozenset(kinds)
    found = [one for one in state.changes.known if one.kind in wanted and elapsed(one.at, now) < within]
    return tuple(one for one in reversed(found) if not unit or unit in one.units)


def new(world: World, found: Iterable[Change]) -> list[Draft]:
    """Record what was found to be changed, once each; nothing happens in the future, whatever a file's stamp says."""
    known = {one.mark for one in world.state.changes.known if one.mark}
    drafts = []
    for change in found:
        if change.mark not in known:
            known |= {change.mark} - {""}
            drafts.append(Draft(event=event_of(replace(change, at=min(change.at, world.now)))))
    return drafts


def event_of(change: Change) -> ev.ChangeSeen:
    """Return the event that records a change."""
    return ev.ChangeSeen(**{name: getattr(change, name) for name in Change.__dataclass_fields__})


def recalled(world: World) -> list[Draft]:
    """Record with an incident what was changed before it began, also what is found only later; one at a time."""
    for incident in world.state.open_incidents:
        known = frozenset(one.mark or phrase(one) for one in incident.changes)
        fresh = [_short(one) for one in _before(world, incident) if (one.mark or phrase(one)) not in known]
        needed = needs(world, incident)
        changes = nearest((*fresh, *incident.changes), incident.unit, needed, MOST)
        if changes != incident.changes:
            how = tuple(near(one, incident.unit, needed).value for one in changes)
            event = ev.ChangesRecalled(changes=changes, own=_own(world, incident, changes), nearness=how)
            return [Draft(event=event, incident=incident.seq)]
    return []


def _before(world: World, incident: Incident) -> list[Change]:
    begin = bad_since(incident)
    return [
        one
        for one in world.state.changes.known
        if begin - (OF_PEOPLE if one.kind in PEOPLE else LOOK_BACK) <= one.at <= begin + A_MOMENT
        and one.kind is not ChangeKind.LOGIN
    ]


def _short(change: Change) -> Change:
    return replace(change, diff=change.diff[:MOST_DIFF], items=change.items[:MOST_DIFF])


def _own(world: World, incident: Incident, changes: Sequence[Change]) -> str:
    """Say how soon after a change of its own the unit was bad; "" when that is long ago, or there was none."""
    begin = bad_since(incident)
    unit = world.state.units.get(incident.unit or "")
    own = next((one for one in changes if one.of(incident.unit) and not one.waits_for(unit)), None)
    if own is None or begin - own.at > world.policy.changes.suspect_for:
        return ""
    return f"bad {spoken(max(timedelta(), begin - own.at))} after {phrase(own)}"
