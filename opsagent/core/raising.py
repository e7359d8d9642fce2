"""Trouble that no check saw: people say so, or something else that watches. It is an incident at once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Severity, worse_of
from opsagent.core.phase import Phase
from opsagent.core.policy import SEVERITY_OF
from opsagent.core.roots import dependants
from opsagent.core.suspicion import confirmation, label
from opsagent.core.world import OPENED, OPENING, Draft, World

if TYPE_CHECKING:
    from opsagent.core import commands as cmd
    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy

LONGEST_NAME = 63
LONGEST_AGO = timedelta(days=366)
USUAL = Severity.SEV3
MOST = 100
MOST_KEPT = 1000
"""Reports of one author that may be open at once, and that are kept with those that ended within the half hour."""
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
# What the door wrote in the place of a secret differs from run to run; the same words must have the same key.
_MARK = re.compile(r"\[redacted:([a-z-]+):[0-9]+:[0-9a-f]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What somebody says. `about` is shown where a check's name stands, `key` is its open key (see `key_of`).

    `kind` and `failure_class` make the fingerprint, by which it is counted. `since` (UTC) is when it began, None: now.
    `repeats`: whoever says so says it again and again, so that only what is worse, or back, is news.
    """

    text: str
    by: str
    about: str
    key: str
    severity: Severity = USUAL
    security: bool = False
    kind: str = "report"
    failure_class: str = "reported"
    since: datetime | None = None
    repeats: bool = False


def refused(command: cmd.Raise) -> str:
    """Say why a report cannot be taken, or ""."""
    if not command.text.strip():
        return "cannot raise an incident without a word of what is wrong"
    if command.sev and command.sev not in set(Severity):
        return f"cannot use {command.sev!r} as a severity, allowed: {', '.join(Severity)}"
    if len(command.service) > LONGEST_NAME:
        return f"cannot use a service name of {len(command.service)} characters, allowed: up to {LONGEST_NAME}"
    return ""


def report_of(world: World, command: cmd.Raise) -> Report:
    """Return what a person reports. What names a watched service joins that service's open incident."""
    checks = named(world, command.service)
    about, key = key_of(command.service, command.text)
    return Report(
        text=command.text,
        by=command.by,
        about=checks[0].name if checks else about,
        key=checks[0].key if checks else key,
        severity=_severity(command, checks),
        security=command.security,
        kind="security" if command.security else "report",
        since=command.asked_at,
    )


def named(world: World, service: str) -> tuple[CheckPolicy, ...]:
    """Return the checks that watch what is called so: by a check's name, a unit's, or that without `.service`."""
    found = world.policy.named(service)
    return world.policy.checks_of(found[0].key) if found else ()


def key_of(service: str, text: str) -> tuple[str, str]:
    """Return the name to show and the open key of what is not watched: the service's word, else made of the text."""
    if service.strip():
        return service.strip(), service.strip()
    text = _MARK.sub(r"redacted \1", text)
    slug = _NOT_A_NAME.sub("-", text.lower()).strip("-")[:40].strip("-") or "report"
    return slug, f"report/{slug}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"


def _severity(command: cmd.Raise, checks: tuple[CheckPolicy, ...]) -> Severity:
    """What a person says, else what the service is worth; the flags are floors under both."""
    worst = Severity(command.sev) if command.sev else USUAL
    for check in () if command.sev else checks:
        worst = worse_of(worst, SEVERITY_OF[check.criticality])
    if command.paying:
        worst = worse_of(worst, Severity.SEV2)
    return Severity.SEV1 if command.data or command.security else worst


def crowded(world: World, key: str, by: str) -> str:
    """Say why nothing more is opened for this author, or "": one who has lost his mind must not fill the log."""
    there = [one for one in world.state.incidents.values() if one.raised_by == by]
    full = sum(one.is_open for one in there) >= MOST or len(there) >= MOST_KEPT
    if not full or world.state.open_for(key) is not None:
        return ""
    return f"cannot take more than {MOST} at once that {by} reports, resolve some first"


def reported(world: World, report: Report) -> tuple[list[Draft], str]:
    """Return the events that a report becomes, and a sentence that names its incident.

    It opens one at once, or joins the one that is there. It never orders anything.
    """
    incident = world.state.open_for(report.key)
    if incident is None:
        return _opened(world, report)
    if incident.state is Phase.SUSPECT:
        return _confirmed(world, report, incident)
    return _joined(report, incident)


def _opened(world: World, report: Report) -> tuple[list[Draft], str]:
    checks = world.policy.checks_of(report.key)
    begun = ev.IncidentSuspected(
        key=report.key,
        check=report.about,
        unit=next((check.unit for check in checks if check.unit), None),
        failure_class=report.failure_class,
        message=report.text,
        first_bad_at=_begun(report, world.now),
        raised_by=report.by,
        security=report.security,
    )
    believed = _believed(world, report)
    said = f"{believed.label} {believed.severity} is open: {report.about}"
    return [
        Draft(event=begun, incident=OPENING, actor=report.by),
        Draft(event=believed, incident=OPENED, actor=report.by),
    ], said


def _begun(report: Report, now: datetime) -> datetime:
    """Believe a begin of the last year: a monitor that knows none may write 0001-01-01, from where nothing counts."""
    since = report.since
    return since if since is not None and timedelta() <= now - since <= LONGEST_AGO else now


def _confirmed(world: World, report: Report, suspect: Incident) -> tuple[list[Draft], str]:
    """What a check began to see is believed now; it is the check's failure, with somebody's words."""
    bad = [check for check in world.policy.checks_of(report.key) if check.name in suspect.checks]
    seen = confirmation(world, suspect, bad) if bad else _believed(world, report)
    severity = worse_of(seen.severity, report.severity)
    believed = replace(seen, severity=severity, to=Phase.PAGED if report.security else seen.to)
    drafts = [Draft(event=believed, incident=suspect.seq, actor=report.by), _words(report, suspect)]
    return drafts, f"{believed.label} {severity} is open: {suspect.check} began to fail a moment ago"


def _believed(world: World, report: Report) -> ev.IncidentConfirmed:
    recurred = next((past.label for past in reversed(world.state.past) if past.key == report.key), None)
    return ev.IncidentConfirmed(
        label=label(world),
        to=Phase.PAGED,
        severity=report.severity,
        failure_class=report.failure_class,
        fingerprint=f"{report.key}|{report.kind}|{report.failure_class}",
        reason=report.text,
        checks=(),
        recurrence_of=recurred,
        scope=dependants(world, report.key),
    )


def _joined(report: Report, incident: Incident) -> tuple[list[Draft], str]:
    """More of what is known already, worse than it was, or there again although every check is good."""
    said = f"{incident.label} {worse_of(report.severity, incident.severity or report.severity)}"
    worse = incident.severity is None or report.severity.value < incident.severity.value
    same = report.repeats or report.text == incident.reason
    if incident.is_open and same and not worse and incident.state is not Phase.VERIFYING:
        return [], f"{said} is open already and says the same"
    again = _again(report, incident)
    drafts = [*again, _words(report, incident, awaits_person=bool(again))]
    if worse:
        event = ev.SeverityRaised(to=report.severity, reason=f"{report.by}: {report.text}")
        drafts.append(Draft(event=event, incident=incident.seq, actor=report.by))
    return drafts, f"{said} {'is open again' if again else 'is open already; your words are kept with it'}"


def _again(report: Report, incident: Incident) -> list[Draft]:
    event: ev.Event | None = None
    if incident.state is Phase.RESOLVED:
        event = ev.IncidentReopened(to=Phase.PAGED, message=report.text)
    elif incident.state is Phase.VERIFYING:
        to = incident.owner if incident.owner is not Phase.VERIFYING else Phase.PAGED
        event = ev.Relapsed(to=to, message=report.text)
    return [Draft(event=event, incident=incident.seq, actor=report.by)] if event else []


def _words(report: Report, incident: Incident, *, awaits_person: bool = False) -> Draft:
    event = ev.ReportJoined(by=report.by, text=report.text, security=report.security, awaits_person=awaits_person)
    return Draft(event=event, incident=incident.seq, actor=report.by)
