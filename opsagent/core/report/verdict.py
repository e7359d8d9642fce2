"""Whether somebody is needed, and who has what: in plain words, for a head, a page, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.report.clock import seen_from
from opsagent.core.text import visible
from opsagent.core.wording import needs_you, trouble

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from opsagent.core.incident import Incident
    from opsagent.core.state import State

NAMED = 3
NOTHING = "nothing needs you"


def needed(state: State) -> tuple[Incident, ...]:
    """Return the open incidents for which a person is wanted now, the worst first."""
    wanted = (incident for incident in state.open_incidents if needs_you(incident))
    return tuple(sorted(wanted, key=lambda incident: (incident.severity or "", incident.seq)))


def verdict(wanted: Sequence[Incident]) -> str:
    """Return `nothing needs you`, `1 needs you: billing is down` or `4 need you: a, b, c and 1 more`."""
    if not wanted:
        return NOTHING
    if len(wanted) == 1:
        return f"1 needs you: {visible(trouble(wanted[0]), 80)}"
    names = ", ".join(visible(incident.check, 40) for incident in wanted[:NAMED])
    more = f" and {len(wanted) - NAMED} more" if len(wanted) > NAMED else ""
    return f"{len(wanted)} need you: {names}{more}"


def owner(incident: Incident, state: State, today: date) -> str:
    """Return who has an open incident: a person, the agent, whoever was told of its root, or nobody yet."""
    zone = state.zone
    if incident.acknowledged_at and incident.state is Phase.ACKNOWLEDGED:
        hands = "repairs go on" if incident.keep_repairing else "hands off"
        at = seen_from(incident.acknowledged_at, zone, today)
        return f"Taken {at} by {visible(incident.acknowledged_by, 30)}; {hands}"
    if incident.state is Phase.VERIFYING:
        return "Good again, watched"
    if incident.state is Phase.SNOOZED and incident.snoozed_until:
        return f"Quiet until {seen_from(incident.snoozed_until, zone, today)}"
    asked = incident.suggestion
    if asked is not None and not asked.expired:
        until = seen_from(asked.until, zone, today)
        return f"{visible(asked.remedy, 40)} waits until {until}: opsagent approve {incident.label}"
    if incident.state is Phase.REPAIRING:
        return "Repairing"
    if incident.severity is Severity.SEV4:
        return "In the digest"
    if incident.first_paged_at:
        return "Waiting for a person"
    root = state.incidents.get(incident.parent or 0)
    return f"Told with {root.label}" if root is not None and root.first_paged_at else "Nobody told yet"
