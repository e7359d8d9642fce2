"""Facts about what others changed on the host, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from opsagent.core.change import Change
from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeen(Change, Event):
    """Somebody changed something on this host, or reported a change. Nothing that opsagent did itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesRecalled(Event):
    """What was changed before an incident began, newest first. `own` says how soon its unit was bad after its own.

    `nearness` says of each how near it is to the unit: own, package, dependency, host.
    """

    changes: tuple[Change, ...]
    own: str = ""
    nearness: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened(Event):
    """A failure that no restart cures was handed to those who can change code; `reason` says why it is theirs."""

    title: str
    reason: str
