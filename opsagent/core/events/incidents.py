"""Facts about incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsagent.core.events.event import Event
from opsagent.core.observation import Proof, Severity
from opsagent.core.phase import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSuspected(Event):
    """First bad look, or somebody's report (`raised_by`). This event's seq is the incident's key for ever.

    It has no label yet. `security`: nothing is ever done about it by itself.
    """

    key: str
    check: str
    unit: str | None
    failure_class: str
    message: str
    first_bad_at: datetime
    raised_by: str = ""
    security: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectCleared(Event):
    """A suspect was good again before it was confirmed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentConfirmed(Event):
    """A failure is believed. `to` is who owns it: repairing or paged.

    `scope` names what is watched and needs what failed (null in the records of older versions).
    """

    label: str
    to: Phase
    severity: Severity
    failure_class: str
    fingerprint: str
    reason: str
    checks: tuple[str, ...]
    blind: bool = False
    recurrence_of: str | None = None
    scope: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckJoined(Event):
    """One more check speaks of the same failure."""

    check: str
    message: str
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySeen(Event):
    """All checks of the incident are good: the first good look was at `mitigated_at`."""

    mitigated_at: datetime
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapsed(Event):
    """Bad again while verifying."""

    to: Phase
    message: str
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResolved(Event):
    """Good for long enough (`proof` says by how many looks), or a person said so (`forced` if it still failed)."""

    reason: str
    by: str = ""
    forced: bool = False
    proof: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReopened(Event):
    """Bad again inside the reopen window."""

    to: Phase
    message: str
    failure_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentClosed(Event):
    """The reopen window has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWithdrawn(Event):
    """Its check is no longer in the settings."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRaised(Event):
    """An incident turned out worse. Only a person lowers it."""

    to: Severity
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionChanged(Event):
    """Why nobody is paged for it now: maintenance, pause, parent, flapping, operator_stop, hold; None: paged again."""

    by: str | None
    reason: str
    parent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFound(Event):
    """Diagnosis knows better than the failure class.

    `certainty` is possible, likely or sure; `others` are the causes that may be true as well, each with its own.
    `port`, `path` and `owner` (a check) are what it is about, where it is about one.
    """

    cause: str
    reason: str
    certainty: str = "likely"
    others: tuple[str, ...] = ()
    port: int = 0
    path: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCauseFound(Event):
    """All evidence was looked at and speaks for no cause; `reason` says so and what was looked at.

    `others` are causes that are merely possible.
    """

    reason: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceGathered(Event):
    """What was found beside the failure, redacted; the lines are other people's words."""

    source: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(Event):
    """A person's words on an incident."""

    by: str
    text: str
