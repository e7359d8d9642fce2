"""What ended an incident is written down for the next time: once for each kind of failure, as a draft for people."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Severity
from opsagent.core.occurrence import healed_by
from opsagent.core.phase import SILENT, Phase
from opsagent.core.playbook.following import kind_of, section_for
from opsagent.core.playbook.matching import best
from opsagent.core.suspicion import BREAKER
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

MOST_A_DAY, MOST = 5, 100
"""Nobody corrects more; a host on which more kinds of failures are cured has other needs than paper."""
DAY = timedelta(days=1)
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


def due(world: World) -> list[Draft]:
    """Return the next draft: of an incident just resolved, that a repair or a person ended, and nobody wrote of yet."""
    known = world.state.guides
    today = sum(elapsed(at, world.now) < DAY for at in known.drafted_at)
    if today >= MOST_A_DAY or len(known.drafted) >= MOST:
        return []
    for incident in world.state.incidents.values():
        if (
            incident.state is Phase.RESOLVED
            and not {incident.fingerprint, incident.alias} & set(known.drafted)
            and _is_worth(world, incident)
        ):
            name = file_name(incident.fingerprint)
            event = ev.RunbookDrafted(name=name, fingerprint=incident.fingerprint, title=title(incident.fingerprint))
            return [Draft(event=event, incident=incident.seq)]
    return []


def words_of_people(incident: Incident) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what people wrote into it, each with who did; and why it was resolved where a person did that."""
    notes = [(one.text.removesuffix(" noted"), one.quoted) for one in incident.timeline if one.text.endswith(" noted")]
    said = next((one.text for one in reversed(incident.timeline) if one.text.startswith(_RESOLVED)), "")
    reason, by = said.removeprefix(_RESOLVED), incident.resolved_by
    if by and reason and reason != f"{by} said so":
        notes.append((by, (reason,)))
    return tuple((by, quoted) for by, quoted in notes if quoted)


_RESOLVED = "resolved: "


def file_name(fingerprint: str) -> str:
    """Return `orders-api-refused.md` for `orders-api.service|http|refused`."""
    return f"{_NOT_A_NAME.sub('-', title(fingerprint).lower()).strip('-')[:80] or 'failure'}.md"


def title(fingerprint: str) -> str:
    """Return what a kind of failure is called: what failed, and how."""
    what, _, rest = fingerprint.partition("|")
    return f"{what.removesuffix('.service').lstrip('/')} {rest.rpartition('|')[2]}".strip()


def _is_worth(world: World, incident: Incident) -> bool:
    if (
        incident.label is None
        or not incident.fingerprint
        or incident.key == BREAKER
        or incident.severity is Severity.SEV4
    ):
        return False
    if incident.blind or incident.security or incident.suppressed_by in SILENT:
        return False
    if healed_by(incident) is None and not words_of_people(incident):
        return False
    return not (incident.playbook or section_for(world, incident) or _has_runbook(world, incident))


def _has_runbook(world: World, incident: Incident) -> bool:
    known = world.state.guides.runbooks
    mine = {one for one in (incident.fingerprint, incident.alias) if one}
    named = any(one.fingerprint in mine or one.name in map(file_name, mine) for one in known)
    return (
        named
        or best([one.title for one in known if not one.fingerprint], incident, kind_of(world, incident)) is not None
    )
