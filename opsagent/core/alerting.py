"""Alerts of another monitor: each is an incident of its own, which it opens, and ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.commands import Answer
from opsagent.core.observation import Severity
from opsagent.core.raising import Report, crowded, reported
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core import commands as cmd

KEY = "alert/"
_SEVERITIES = {
    Severity.SEV1: ("critical", "page", "emergency", "disaster", "fatal"),
    Severity.SEV2: ("error", "high", "major"),
    Severity.SEV3: ("warning", "warn", "medium", "average", "minor"),
    Severity.SEV4: ("info", "information", "informational", "notice", "low", "none"),
}


def alerted(world: World, alert: cmd.Alert) -> tuple[list[Draft], Answer]:
    """Return the events that an alert becomes, none where it only says again what is known, and the answer."""
    key = KEY + alert.fingerprint
    if alert.over:
        return _over(world, alert, key)
    if full := crowded(world, key, alert.by):
        return [], Answer(accepted=False, text=full)
    report = Report(
        text=alert.text,
        by=alert.by,
        about=alert.name,
        key=key,
        severity=severity_of(alert.severity),
        kind="alert",
        failure_class="firing",
        since=_begun(alert.begun),
        repeats=True,
    )
    drafts, text = reported(world, report)
    return drafts, Answer(accepted=True, text=text)


def _over(world: World, alert: cmd.Alert, key: str) -> tuple[list[Draft], Answer]:
    incident = world.state.open_for(key)
    if incident is None or not incident.is_open:
        return [], Answer(accepted=True, text=f"{alert.name}: nothing is open")
    event = ev.IncidentResolved(reason=f"{alert.by} says that {alert.name} is over", by=alert.by)
    draft = Draft(event=event, incident=incident.seq, actor=alert.by)
    return [draft], Answer(accepted=True, text=f"{incident.label} is resolved")


def severity_of(word: str) -> Severity:
    """Return what a monitor's own word is worth: SEV1 to SEV4 as they are, the usual words, else SEV3."""
    if word.upper() in set(Severity):
        return Severity(word.upper())
    return next((severity for severity, words in _SEVERITIES.items() if word.lower() in words), Severity.SEV3)


def _begun(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
