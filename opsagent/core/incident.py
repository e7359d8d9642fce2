"""The incident: its record, and the table of its states. The only place that says where it may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core.change import Change
from opsagent.core.observation import Proof, Severity
from opsagent.core.phase import OPEN, Outcome, Phase, Repair
from opsagent.core.suggestion import Suggestion

if TYPE_CHECKING:
    from opsagent.core.events import Event


OURSELVES = "opsagent"
"""Who reported it, where no person and no other program did."""
CHRONIC = "/chronic"
"""Added to a unit's name it is the open key of its repairs, where they are needed again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One repair, ordered or refused, as `incidents --json` shows it. `seq` is the event that recorded it.

    `mode` is the one that was in force for it, `running` are the units it touched that ran just before. `did` is what a
    remedy that prepares another says of its own work: `freed 1.2 GiB: …`.
    """

    seq: int
    at: datetime
    remedy: str
    unit: str
    outcome: Outcome
    reason: str
    also: tuple[str, ...] = ()
    attempt: int = 0
    guard: str = ""
    seconds: float | None = None
    ended_at: datetime | None = None
    result: str = ""
    before: str = ""
    after: str = ""
    by: str = ""
    name: str = ""
    mode: str = ""
    running: tuple[str, ...] = ()
    did: str = ""

    @property
    def label(self) -> str:
        """What the settings and the failure archive call its remedy, such as `act renew-certificate`."""
        return f"{self.remedy} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message about an incident and what became of it: pending, sent, failed, expired."""

    at: datetime
    key: str
    level: str
    notifier: str
    kind: str
    state: str = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of an incident's story. `quoted` lines are other people's words."""

    seq: int
    at: datetime
    text: str
    quoted: tuple[str, ...] = ()


class By(StrEnum):
    """What ended a spell of trouble: a remedy, a person, the recovery of what it needs, or nobody knows."""

    REMEDY = "remedy"
    PERSON = "person"
    ROOT = "root"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One spell of trouble that is over: bad since `at` (UTC), ended by a remedy or a person of that `name`.

    It was bad for `lasted` seconds, None where no good look ended it. `took` is how long the cure took: of a remedy
    from its order to the first good look, of anything else the whole spell. `alias` as in `Incident`.
    """

    at: datetime
    fingerprint: str
    alias: str = ""
    by: By = By.UNKNOWN
    name: str = ""
    lasted: float | None = None
    took: float | None = None


@dataclass(frozen=True, kw_only=True)  # no slots: see core/renewal.py
class Incident:
    """One spell of trouble with one unit or check. All times UTC; `seq` is its key for ever.

    `cause` is the likeliest one, a slug; `because` says it in a sentence, `certainty` how sure that is;
    `cause_port`, `cause_path`, `cause_owner` (a check) are what it is about, where it is about one; it was
    found `cause_at`.
    `raised_by` is who reported what no check had seen. `awaits_person`: no check sees it, only a person ends it.
    `changes` is what others changed before it, newest first, and `nearness` how near each is to its unit;
    `after_change` says how soon it was bad after a change of its own. `traceback` is the line by which its program
    showed a mistake of its own; `ticket` why it needs code. `playbook` is the section of the playbook that speaks of
    it, `pattern` the slug of the pattern of the archive that does. `suggestion` is the repair that waits for a person,
    `choice` is why the last remedy was chosen. `alias` is its fingerprint by the failure class alone, where a cause
    made it more exact.
    Where it is about repairs that are needed again and again, `signs` says by what that is known, and `repairs` has the
    curve and the list.
    `earlier` are its spells before the present one.
    """

    seq: int
    key: str
    check: str
    checks: tuple[str, ...]
    unit: str | None
    state: Phase
    failure_class: str
    reason: str
    first_bad_at: datetime
    repair: Repair = Repair.IDLE
    label: str | None = None
    severity: Severity | None = None
    fingerprint: str = ""
    alias: str = ""
    cause: str | None = None
    because: str = ""
    certainty: str = ""
    other_causes: tuple[str, ...] = ()
    cause_port: int = 0
    cause_path: str = ""
    cause_owner: str = ""
    cause_at: datetime | None = None
    blind: bool = False
    raised_by: str = ""
    awaits_person: bool = False
    security: bool = False
    detected_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    ack_until: datetime | None = None
    ack_reminded: bool = False
    keep_repairing: bool = False
    snoozed_until: datetime | None = None
    mitigated_at: datetime | None = None
    good_since: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    proof: tuple[Proof, ...] = ()
    closed_at: datetime | None = None
    parent: int | None = None
    recurrence_of: str | None = None
    reopened: int = 0
    reopened_at: datetime | None = None
    relapses: int = 0
    suppressed_by: str | None = None
    level: int = 0
    loop: int = 0
    first_paged_at: datetime | None = None
    round_begins: int = 0
    next_level_at: datetime | None = None
    next_repair_at: datetime | None = None
    repair_reason: str = ""
    asked_again: int = 0
    exhausted: int = 0
    gave_up_at: datetime | None = None
    asked_by: str = ""
    asked_remedy: str = ""
    asked_at: datetime | None = None
    suggestion: Suggestion | None = None
    page_again: bool = False
    archived: str = ""
    relapsed_at: datetime | None = None
    again_at: datetime | None = None
    again_message: str = ""
    owner: Phase = Phase.REPAIRING
    changes: tuple[Change, ...] = ()
    nearness: tuple[str, ...] = ()
    after_change: str = ""
    traceback: str = ""
    ticket: str = ""
    playbook: str = ""
    pattern: str = ""
    choice: str = ""
    signs: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    earlier: tuple[Occurrence, ...] = ()
    actions: tuple[Action, ...] = ()
    told: tuple[Told, ...] = ()
    timeline: tuple[Moment, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is confirmed and not yet resolved."""
        return self.state in OPEN

    @property
    def began(self) -> datetime:
        """When the present spell began: after good news, when it was bad again."""
        return self.again_at or self.first_bad_at

    @property
    def running(self) -> Action | None:
        """The action that is under way, or None."""
        return next((a for a in reversed(self.actions) if a.outcome is Outcome.RUNNING), None)

    @property
    def tried(self) -> tuple[Action, ...]:
        """The actions that were really ordered."""
        return tuple(a for a in self.actions if a.outcome is not Outcome.REFUSED or a.attempt)


class IllegalTransitionError(Exception):
    """An event that this state does not allow; nothing has changed."""


_ANY_OPEN = (Phase.REPAIRING, Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.VERIFYING)

# Which event may move an incident from where to where. An event that is not in this table never moves one.
# `snoozed` and `verifying` remember the owner and go back to it.
TRANSITIONS: dict[str, dict[Phase, tuple[Phase, ...]]] = {
    "SuspectCleared": {Phase.SUSPECT: (Phase.CLOSED,)},
    "IncidentConfirmed": {Phase.SUSPECT: (Phase.REPAIRING, Phase.PAGED)},
    "LevelPaged": {
        Phase.REPAIRING: (Phase.PAGED,),
        Phase.PAGED: (Phase.PAGED,),
    },
    "RecoverySeen": {
        Phase.REPAIRING: (Phase.VERIFYING,),
        Phase.PAGED: (Phase.VERIFYING,),
        Phase.ACKNOWLEDGED: (Phase.VERIFYING,),
        Phase.SNOOZED: (Phase.VERIFYING,),
    },
    "Relapsed": {Phase.VERIFYING: (Phase.REPAIRING, Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED)},
    "IncidentAcknowledged": {
        Phase.REPAIRING: (Phase.ACKNOWLEDGED,),
        Phase.PAGED: (Phase.ACKNOWLEDGED,),
        Phase.ACKNOWLEDGED: (Phase.ACKNOWLEDGED,),
        Phase.SNOOZED: (Phase.ACKNOWLEDGED,),
        Phase.VERIFYING: (Phase.VERIFYING,),
        Phase.RESOLVED: (Phase.RESOLVED,),
    },
    "AckEnded": {Phase.ACKNOWLEDGED: (Phase.PAGED,)},
    "IncidentSnoozed": {
        Phase.REPAIRING: (Phase.SNOOZED,),
        Phase.PAGED: (Phase.SNOOZED,),
        Phase.ACKNOWLEDGED: (Phase.SNOOZED,),
        Phase.SNOOZED: (Phase.SNOOZED,),
    },
    "SnoozeEnded": {Phase.SNOOZED: (Phase.PAGED,)},
    "SeverityRaised": {
        Phase.REPAIRING: (Phase.REPAIRING,),
        Phase.PAGED: (Phase.PAGED,),
        Phase.ACKNOWLEDGED: (Phase.ACKNOWLEDGED,),
        Phase.SNOOZED: (Phase.PAGED,),
        Phase.VERIFYING: (Phase.VERIFYING,),
        Phase.RESOLVED: (Phase.RESOLVED,),
    },
    "IncidentResolved": dict.fromkeys(_ANY_OPEN, (Phase.RESOLVED,)),
    "IncidentReopened": {Phase.RESOLVED: (Phase.REPAIRING, Phase.PAGED)},
    "IncidentClosed": {Phase.RESOLVED: (Phase.CLOSED,)},
    "IncidentWithdrawn": dict.fromkeys((Phase.SUSPECT, *_ANY_OPEN, Phase.RESOLVED), (Phase.CLOSED,)),
}


def target(state: Phase, event: Event) -> Phase:
    """Return the state that this event leads to; `state` itself for events that never move an incident.

    Raises `IllegalTransitionError` for a move that the table does not have.
    """
    row = TRANSITIONS.get(type(event).__name__)
    if row is None:
        return state
    allowed = row.get(state, ())
    wanted = getattr(event, "to", None)
    to = wanted if isinstance(wanted, Phase) else next(iter(allowed), None)
    if to is None or to not in allowed:
        message = f"cannot apply {type(event).__name__} to an incident that is {state}"
        raise IllegalTransitionError(message)
    return to
