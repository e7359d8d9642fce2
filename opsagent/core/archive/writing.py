"""The first time a failure is seen that no pattern speaks of, one is written, for the next time and for people."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.archive.pattern import Match
from opsagent.core.phase import Phase, Repair
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

MOST = 300
"""Patterns that we write in all: who has more kinds of failures has other needs than files."""
PATIENCE = timedelta(seconds=30)
"""How long the evidence of a cause is waited for."""
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


_SAID = {
    "dead": "is not running",
    "ended": "is not running",
    "exit": "ended with an error",
    "signal": "was ended by a signal",
    "loop": "starts again and again",
    "status": "answers with the wrong status",
    "output": "answers something else",
    "timeout": "does not answer in time",
    "refused": "refuses connections",
    "reset": "cuts connections",
}
"""Failure classes that say little alone, in a title."""


def due(world: World) -> list[Draft]:
    """Return the next pattern to write: of a failure that belongs into the archive, once its cause was looked for."""
    known = world.state.archive
    if len(known.written) >= MOST:
        return []
    for incident in world.state.incidents.values():
        if incident.archived and not incident.pattern and _is_known(world, incident):
            cause = cause_of(incident)
            slug = slug_of(incident.key, cause)
            if slug not in known.written and known.pattern(slug) is None:
                return [Draft(event=_written(incident, slug, cause), incident=incident.seq)]
    return []


def _is_known(world: World, incident: Incident) -> bool:
    """Whether no better word of the cause is to be expected soon."""
    over = incident.state is Phase.RESOLVED or incident.repair is Repair.EXHAUSTED
    begun = max(filter(None, (incident.detected_at, incident.again_at)), default=None)
    waited = begun is not None and elapsed(begun, world.now) >= PATIENCE
    return bool(incident.because) or over or waited


def _written(incident: Incident, slug: str, cause: str) -> ev.PatternWritten:
    name = incident.unit or incident.check
    what = name.removesuffix(".service")
    return ev.PatternWritten(
        slug=slug,
        title=f"{what}: {_SAID.get(cause) or cause.replace('-', ' ')}",
        fingerprint=incident.fingerprint,
        match=Match(unit=(name,), cause=(cause,)),
    )


def cause_of(incident: Incident) -> str:
    """Return the cause, or where none is known how it failed, as its fingerprint counts it."""
    return incident.cause or incident.fingerprint.rpartition("|")[2] or incident.failure_class


def slug_of(key: str, cause: str) -> str:
    """Return `orders-api-port-taken` for `orders-api.service` and `port-taken`."""
    text = f"{key.removesuffix('.service')} {cause}".lower()
    return _NOT_A_NAME.sub("-", text).strip("-")[:80].rstrip("-") or "failure"
