"""What failed together: a root and what needs it, or many things at once, which need nothing of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

CAUSE, LIKELY = "Cause of ", "Likely cause of "


def is_breaker(incident: Incident) -> bool:
    """Whether it is the one incident of many failures at once; nothing is called by its key."""
    return incident.key == "/breaker"


def children(state: State, incident: Incident) -> tuple[str, ...]:
    """Return the names of what fell with it."""
    return tuple(
        one.check for one in state.open_incidents if one.parent == incident.seq and one.suppressed_by == "parent"
    )


def causes(state: State, incident: Incident) -> tuple[str, ...]:
    """Return why each of many things that failed at once did, as far as that is known: a line each."""
    fell = [one for one in state.open_incidents if one.parent == incident.seq and is_breaker(incident)]
    return tuple(cause_of(one) for one in fell if one.cause)


def cause_of(incident: Incident) -> str:
    """Return `Cause of api: port 80 is held by nginx`."""
    word = f"{CAUSE}{incident.check}" if incident.certainty == "sure" else f"{LIKELY}{incident.check}"
    return f"{word}: {incident.because or incident.cause}"


def why_left_alone(incident: Incident) -> str:
    """Return why nothing is done about what fell with it."""
    return "no repairs while many things fail" if is_breaker(incident) else "needs it"


def ended_with(state: State, incident: Incident) -> str:
    """Say that another recovery, or the end of many failures at once, ended it; "" where neither did."""
    if is_breaker(incident):
        return "ten quiet minutes: nothing new has failed, and repairs go on."
    root = state.incidents.get(incident.parent or 0)
    if root is None or is_breaker(root) or root.mitigated_at is None:
        return ""
    return f"the recovery of {root.check}, which it needs ({root.label})."
