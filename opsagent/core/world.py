"""What every decision is made from, and what it returns: all that is known now; an event with its incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.evidence import Evidence
from opsagent.core.events import Event
from opsagent.core.health import Health
from opsagent.core.policy import CheckPolicy, Policy
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

OPENING = -1  # stands for "the seq of this very event", which its writer does not know yet
OPENED = -2  # stands for "the incident that an event before it, decided together with it, opens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read about a unit just before acting on it, `at` (UTC). `also` are the units its restart touches,
    `dependants` those that depend on it by the settings, with theirs.

    `evidence` is what was around it at that moment; None where nobody looked.
    """

    unit: str
    at: datetime
    snapshot: UnitSnapshot | None
    also: tuple[UnitSnapshot, ...] = ()
    dependants: tuple[UnitSnapshot, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsWanted:
    """What must be read before a repair: how a unit stands, and its log from `since` on. `message` is what failed."""

    unit: str
    scope: str
    since: datetime
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision may look at. It can reach nothing else."""

    state: State
    policy: Policy
    looks: Mapping[str, Health]
    now: datetime
    facts: Mapping[str, Facts] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    can_record: bool = True

    def health(self, check: str) -> Health:
        """Return the health of a check, a blank one if it was never looked at."""
        return self.looks.get(check) or Health(check=check)

    def checks_of(self, incident: Incident) -> tuple[CheckPolicy, ...]:
        """Return the checks that judge this incident."""
        return self.policy.checks_of(incident.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that is decided and not yet recorded. `incident` is a seq, `OPENING`, `OPENED` or None."""

    event: Event
    incident: int | None = None
    actor: str = "opsagent"
    because: int | None = None
