"""When an incident opens: which section of the playbook speaks of it, and which of its steps may be run."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.playbook.grammar import look
from opsagent.core.playbook.look import NotAllowedError
from opsagent.core.playbook.matching import best
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident
    from opsagent.core.playbook.section import Section, Step
    from opsagent.core.policy import PlaybookPolicy

MOST_RUN = 5
"""Steps of one section that are run; who needs more writes another section."""


def matched(world: World) -> list[Draft]:
    """Record which section speaks of an incident that was believed in this very turn; nothing where none does."""
    if not world.state.guides.sections:
        return []
    for incident in world.state.open_incidents:
        if incident.detected_at == world.now and not incident.playbook and not incident.blind:
            event = _match(world, incident)
            if event is not None:
                return [Draft(event=event, incident=incident.seq)]
    return []


def section_for(world: World, incident: Incident) -> tuple[Section, tuple[str, ...]] | None:
    """Return the section of the playbook that speaks of an incident, and the words by which it does, or None."""
    sections = world.state.guides.sections
    found = best([one.title for one in sections], incident, kind_of(world, incident))
    return (sections[found[0]], found[1]) if found is not None else None


def kind_of(world: World, incident: Incident) -> str:
    """Return the kind of the check that saw it, "" where no check did."""
    check = world.policy.check(incident.check)
    return check.kind if check is not None else ""


def _match(world: World, incident: Incident) -> ev.PlaybookMatched | None:
    found = section_for(world, incident)
    if found is None:
        return None
    section, common = found
    why = "it is about security: nothing is run by itself" if incident.security else ""
    steps = planned(section.steps, world.policy.playbook, why)
    return ev.PlaybookMatched(section=section.title, reason=f"by {', '.join(common)}", steps=steps)


def planned(steps: tuple[Step, ...], policy: PlaybookPolicy, why: str = "") -> tuple[Step, ...]:
    """Return the steps, each that is left to a person with the reason. `why` is one for all of them."""
    why = why or ("" if policy.run else "playbook.run is false in the settings")
    numbers, urls = count(1), frozenset(policy.urls)
    return tuple(replace(step, left=why or _left(step, urls, numbers)) for step in steps)


def _left(step: Step, urls: frozenset[str], numbers: count[int]) -> str:
    if not step.command:
        return "it names no command"
    try:
        look(step.command, urls)
    except NotAllowedError as error:
        return str(error)
    return "" if next(numbers) <= MOST_RUN else f"only the first {MOST_RUN} are run"
