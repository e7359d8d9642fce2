"""Where an incident's file is, and which incidents have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.wording import ordered

if TYPE_CHECKING:
    from opsagent.core.incident import Incident


def has_file(incident: Incident) -> bool:
    """Whether it has a file of its own: only when something was repaired or somebody was paged."""
    return incident.label is not None and bool(ordered(incident.actions) or incident.first_paged_at)


def below_incidents(label: str) -> str:
    """Return `2026/11/OPS-20261118-002.md`, the place below the folder of incidents."""
    day = label.split("-")[1]
    return f"{day[:4]}/{day[4:6]}/{label}.md"


def link(incident: Incident) -> str:
    """Return a link from a day's file: `[002](../incidents/2026/11/OPS-20261118-002.md)`, or the label alone."""
    if incident.label is None:
        return ""
    if not has_file(incident):
        return incident.label
    return f"[{incident.label.rpartition('-')[2]}](../incidents/{below_incidents(incident.label)})"
