"""The words of notices: messages that belong to no incident, and ask for nothing at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.report.clock import hhmm
from opsagent.core.wording import message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.policy import Policy
    from opsagent.core.state import State


def notice(policy: Policy, subject: str, lines: Iterable[str] = ()) -> tuple[str, str]:
    """Return title and body of a message that asks for nothing at once."""
    return message(f"[NOTICE] {policy.host}: {subject}", lines)


def notice_of(event: ev.Event, state: State, policy: Policy) -> tuple[str, str] | None:
    """Return the notice that this event is worth, or None."""
    subject, lines = _noticed(event, state)
    return notice(policy, subject, lines) if subject else None


def stopped(policy: Policy, unit: str, why: str) -> tuple[str, str]:
    """Return the notice of a unit that was stopped on purpose."""
    left = f"It stays down until somebody starts it: systemctl start {unit}"
    return notice(policy, f"{unit} was stopped by opsagent, on purpose", (f"Why: {why}.", left))


def _noticed(event: ev.Event, state: State) -> tuple[str, tuple[str, ...]]:
    subject, lines = "", tuple[str, ...]()
    match event:
        case ev.TrustEarned() | ev.RemedyLowered():
            subject, lines = _trusted(event)
        case ev.SettingsRefused():
            subject, lines = "new settings refused, the old ones stay in force", event.errors
        case ev.RightsCompared():
            subject, lines = "the rights do not fit the settings", (event.lacking,)
        case ev.FlappingStarted():
            subject = f"{event.check} changes too often ({event.percent:.0f} %)"
            lines = ("No repairs and no pages for it until it is steady again; you are told how it ended.",)
        case ev.FlappingEnded():
            subject = f"{event.check} is steady again: {event.status}"
        case ev.BreakerOpened():
            subject = "many things failed at once"
            lines = (event.reason, "No repairs until ten quiet minutes have passed: the cause is likely elsewhere.")
        case ev.LogSalvaged():
            subject = "the event log was damaged"
            lines = (
                f"It is kept at {event.kept_at}: {event.damage}.",
                f"Carried over: {event.salvaged} events; not readable: {event.lost}. Look at the disk.",
            )
        case ev.FindingReceived():
            at = f"{hhmm(event.found_at, state.zone)} {state.zone}"
            subject, lines = f"the health check found trouble at {at} while nobody looked", event.findings
        case _:
            pass
    return subject, lines


def _trusted(event: ev.TrustEarned | ev.RemedyLowered) -> tuple[str, tuple[str, ...]]:
    what, how = f"{event.remedy} of {event.key}", f"opsagent trust {event.check} {event.remedy}"
    if isinstance(event, ev.TrustEarned):
        return f"{what} worked {event.worked} of {event.worked}", (f"To allow it without a question: {how}",)
    return f"{what} made things worse, you are asked before it from now on", (
        f"{event.reason}.",
        f"To lift that: {how}",
    )
