"""Facts about repairs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from opsagent.core.events.event import Event
from opsagent.core.phase import Repair


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairMoved(Event):
    """Where the repair of an incident stands, and when it is looked at again (`next_at`, None: not by time)."""

    to: Repair
    reason: str
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairAsked(Event):
    """A person wants a repair now, without the wait between attempts; with this `remedy` if it names one."""

    by: str
    because: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequested(Event):
    """A repair is about to be ordered. On disk before the order goes out; its seq is the action's id.

    `mode` is the one in force for it, `by` the person who asked for it or approved it. `running` are the units it
    touches that ran just before.
    `choice` says why it is this remedy.
    """

    remedy: str
    unit: str
    scope: str
    also: tuple[str, ...]
    attempt: int
    invocation_id: str
    reason: str
    command: tuple[str, ...] = ()
    timeout: timedelta = timedelta(seconds=60)
    by: str = ""
    act: str = ""
    mode: str = ""
    running: tuple[str, ...] = ()
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEnded(Event):
    """The order was carried out, or not: `result` is systemd's word. That is not yet a recovery."""

    action: int
    result: str
    reason: str
    seconds: float
    invocation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionJudged(Event):
    """What the checks say of an action: verified, failed, relapsed, refused, unknown."""

    action: int
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRefused(Event):
    """A repair that was not ordered: which guard said no, and why. Recorded once, not at every look.

    `act` is the name of the act, or of the signal, where the remedy has one.
    """

    remedy: str
    unit: str
    guard: str
    reason: str
    act: str = ""
