"""Facts about how far a remedy may go: what a person was asked, what they said, what was lowered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairSuggested(Event):
    """Every guard agrees but the mode: people are asked, until then, whether this remedy may go out.

    `also` are the units that it would restart too, `choice` says why it is this remedy.
    """

    remedy: str
    unit: str
    until: datetime
    reason: str
    also: tuple[str, ...] = ()
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairApproved(Event):
    """A person lets exactly the suggested repair go out; every guard is asked once more before it does."""

    remedy: str
    unit: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionExpired(Event):
    """Nobody approved it in time: people are paged, for no try is left that is theirs to allow."""

    remedy: str
    unit: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustEarned(Event):
    """A remedy that people approved has `worked` so often in a row that it is worth trusting. Said once."""

    key: str
    check: str
    remedy: str
    worked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustGiven(Event):
    """A person lets a remedy go out without being asked, where the settings say `suggest` or it was lowered.

    `command` is the argv that is trusted, where the remedy has one.
    """

    key: str
    remedy: str
    by: str
    because: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRevoked(Event):
    """A person wants to be asked before this remedy goes out."""

    key: str
    remedy: str
    by: str
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustForgotten(Event):
    """The settings no longer allow the remedy that was trusted: written there again, it begins anew."""

    key: str
    remedy: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyLowered(Event):
    """A repair made things worse: from now on a person is asked before this remedy goes out for this unit."""

    key: str
    check: str
    remedy: str
    action: int
    reason: str
