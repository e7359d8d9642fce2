"""What a message says of what others changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.nearness import ranked

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

MOST_DIFF = 12
QUOTED = "| "


def changed_before(incident: Incident) -> str:
    """Return what was changed before an incident began, in a sentence; "" for nothing."""
    if incident.after_change:
        return f"It was {incident.after_change}."
    said = "; ".join(one.words() for one in ranked(incident)[:2])
    return f"Changed before: {said}." if said else ""


def would_bring_in(state: State, incident: Incident) -> list[str]:
    """Return the difference that a restart would bring in, where it is why nothing is done: a person decides by it."""
    last = next(reversed(incident.actions), None)
    if last is None or last.guard != "change":
        return []
    own = (one for one in reversed(state.changes.known) if one.of(incident.unit) and one.diff)
    change = next((one for one in own if one.subject in last.reason), None)
    if change is None:
        return []
    left = len(change.diff) - MOST_DIFF
    more = [f"{QUOTED}… and {left} more lines: opsagent show {incident.label}"] if left > 0 else []
    return [*(f"{QUOTED}{line}" for line in change.diff[:MOST_DIFF]), *more]
