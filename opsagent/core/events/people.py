"""Facts about people: who was told, what they said, and what is remembered for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPaged(Event):
    """A level of the escalation is due: who is told, and when the next one is (None: never)."""

    level: str
    number: int
    loop: int
    notifiers: tuple[str, ...]
    reason: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationQueued(Event):
    """A message is owed to somebody. Delivered at least once, always with the same `key`."""

    key: str
    notifier: str
    level: str
    kind: str
    title: str
    body: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent(Event):
    """A message was delivered. `targets` names those reached so far when a notifier has several."""

    key: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailed(Event):
    """A message was not delivered; `next_at` is the next try, None: never again (final)."""

    key: str
    reason: str
    next_at: datetime | None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationExpired(Event):
    """A message became too old to be worth sending."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentAcknowledged(Event):
    """A person takes it, for a while (a lease). Hands off, unless `keep_repairing`."""

    by: str
    until: datetime
    keep_repairing: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckReminded(Event):
    """The lease ends soon; its holder was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckEnded(Event):
    """The lease ended and the incident has not."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSnoozed(Event):
    """A person wants no pages about it until then."""

    by: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeEnded(Event):
    """The quiet that a person asked for is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSet(Event):
    """A person wants quiet: no pages, no repairs, or neither, for a target (a check, a unit, `all`)."""

    target: str
    until: datetime
    pages: bool
    repairs: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEnded(Event):
    """A pause ran out, or was lifted."""

    target: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTaken(Event):
    """An operator's command, with the answer it got. `uuid` is set when it waited in the spool."""

    command: str
    by: str
    accepted: bool
    answer: str
    uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingReceived(Event):
    """What the health check found while the daemon was down."""

    by: str
    found_at: datetime
    findings: tuple[str, ...]
    uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSeen(Event):
    """A failure came to its end; this is what the failure archive keeps of it."""

    fingerprint: str
    title: str
    symptom: str
    cause: str
    resolution: str
    seconds: float | None
    healed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicHealing(Event):
    """Repairs work, and are needed too often: a person is told although everything is green.

    `signs` is by what that is known, `said` the sentence about it, `cause` what most of them had, `lines` the curve
    and the list of the repairs.
    """

    unit: str
    heals: int
    within: timedelta
    signs: tuple[str, ...] = ()
    said: str = ""
    cause: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPurged(Event):
    """A payload was replaced by its hash because a secret had got in."""

    purged: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """An event of a type or form that this version cannot read: kept, never guessed at."""

    type: str
    data: str
