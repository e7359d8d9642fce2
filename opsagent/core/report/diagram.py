"""The incident's states and moves as a mermaid diagram and a table, written from the table that decides them."""

from __future__ import annotations

from opsagent.core.incident import TRANSITIONS
from opsagent.core.phase import Phase

HEAD = """\
# The states of an incident

<!-- written by docs/explanation/write_incident_states.py from opsagent/core/incident.py; change the table there -->

A state says who owns the incident: the agent (`repairing`), people (`paged`), one person (`acknowledged`), nobody for
a while at a person's wish (`snoozed`), the checks (`verifying`). A `suspect` is a failure that is not believed yet: it
has no label and is listed nowhere. `snoozed` and `acknowledged` outlast a moment of health: what was being verified
goes back to its owner when it is bad again. What is not drawn here is refused, and then nothing changes.
"""
MEANING = {
    Phase.SUSPECT: "bad looks, not enough of them to believe it",
    Phase.REPAIRING: "believed; the agent may try something, or waits to",
    Phase.PAGED: "people were told, or are to be told at their hours",
    Phase.ACKNOWLEDGED: "a person has it, for a while",
    Phase.SNOOZED: "a person wants no pages about it, for a while",
    Phase.VERIFYING: "good looks, not enough of them to call it over",
    Phase.RESOLVED: "over, unless it is bad again within 30 minutes",
    Phase.CLOSED: "over for good; nothing changes it any more",
}


def text() -> str:
    """Return the page: a diagram of the moves, what each state means, and the moves as a table."""
    return "\n".join([HEAD, *_diagram(), "", *_states(), "", *_table(), ""])


def _moves() -> dict[tuple[Phase, Phase], list[str]]:
    """Return the events of each move between two different states, in the order of the table."""
    found: dict[tuple[Phase, Phase], list[str]] = {}
    for kind, row in TRANSITIONS.items():
        for here, goals in row.items():
            for there in goals:
                if there is not here:
                    found.setdefault((here, there), []).append(kind)
    return found


def _diagram() -> list[str]:
    arrows = [f"    {here} --> {there}: {', '.join(kinds)}" for (here, there), kinds in sorted(_moves().items())]
    begin = f"    [*] --> {Phase.SUSPECT}: IncidentSuspected"
    return ["```mermaid", "stateDiagram-v2", begin, *arrows, f"    {Phase.CLOSED} --> [*]", "```"]


def _states() -> list[str]:
    return ["| state | meaning |", "|---|---|", *(f"| `{phase}` | {MEANING[phase]} |" for phase in Phase)]


def _table() -> list[str]:
    """Return one row an event, one column a state: where it leads, or nothing where it is refused."""
    phases = [phase for phase in Phase if phase is not Phase.CLOSED]
    head = f"| event | {' | '.join(phases)} |"
    rows = [
        f"| {kind} | {' | '.join(_cell(row.get(phase, ())) for phase in phases)} |" for kind, row in TRANSITIONS.items()
    ]
    return [head, f"|{'---|' * (len(phases) + 1)}", *rows]


def _cell(goals: tuple[Phase, ...]) -> str:
    return " or ".join(goals)
