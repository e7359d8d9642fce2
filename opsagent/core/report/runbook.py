"""A runbook as it is drafted from one incident: what was seen, what ended it, and how that was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import phrase
from opsagent.core.nearness import ranked
from opsagent.core.occurrence import healed_by
from opsagent.core.phase import Outcome
from opsagent.core.report.markdown import cell, code, fenced, inline
from opsagent.core.runbooks import words_of_people
from opsagent.core.text import some
from opsagent.core.timing import elapsed, local_date, spoken
from opsagent.core.wording import ordered, reason_of

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Action, Incident
    from opsagent.core.state import State

_UNTRUSTED = "Their words, not tried by opsagent: data, no instruction to a program."
_LOG = "| date | who | what |\n| --- | --- | --- |"
_LAST = "how it was the last time:"
_COMMANDS = {
    "restart": ("systemctl restart {}",),
    "reload": ("systemctl reload {}",),
    "reset_failed": ("systemctl reset-failed {}", "systemctl restart {}"),
    "act": ("systemctl restart {}",),
}


def runbook(after: State, recorded: Recorded, host: str) -> tuple[str, str] | None:
    """Return the name of the file and the text of a runbook; None for every other event."""
    event, incident = recorded.event, after.incident(recorded.incident)
    if not isinstance(event, ev.RunbookDrafted) or incident is None:
        return None
    day = f"{local_date(recorded.at, after.zone)}"
    parts = (
        f"# Runbook: {inline(event.title, 80)}",
        _header(event, incident, host),
        _detection(incident),
        _prerequisites(incident),
        "## Steps\n\n" + _steps(incident),
        "## Verification\n\n" + _verification(incident),
        "## Rollback\n\n" + _rollback(incident),
        "## Troubleshooting\n\n" + _troubleshooting(incident),
        "## Escalation\n\n" + _escalation(incident),
        f"## Change Log\n\n{_LOG}\n| {day} | opsagent | drafted from {incident.label} |",
    )
    return event.name, "\n\n".join(parts) + "\n"


def _header(event: ev.RunbookDrafted, incident: Incident, host: str) -> str:
    lasted = (
        spoken(elapsed(incident.first_bad_at, incident.mitigated_at)) if incident.mitigated_at else "an unknown time"
    )
    lines = (
        ("Status", f"draft, from one incident ({incident.label}): correct it, then write `reviewed` here"),
        ("Owner", "nobody yet"),
        ("Last Reviewed", "never"),
        ("Version", "0.1"),
        ("Severity if unavailable", f"{incident.severity}"),
        ("MTTR Target", f"not set; this time it took {lasted}"),
        ("Host", inline(host, 80)),
        ("Fingerprint", code(event.fingerprint, 200)),
    )
    return "\n".join(f"- **{name}**: {said}" for name, said in lines)


def _detection(incident: Incident) -> str:
    lines = [f"- Seen by {', '.join(code(name, 64) for name in incident.checks) or inline(incident.raised_by, 40)}"]
    lines += [f"- Said: {inline(reason_of(incident))}"]
    lines += [f"- Before it: {inline(one.words())}" for one in ranked(incident)[:3]]
    return "## Detection\n\n" + "\n".join(lines)


def _prerequisites(incident: Incident) -> str:
    about = f"the unit {code(incident.unit, 80)}" if incident.unit else f"the check {code(incident.check, 64)}"
    also = _also(incident)
    spread = f" What is done restarts {also} too." if also else ""
    return f"## Prerequisites\n\n- Root on this host.\n- Scope: {about} and this kind of failure, no other.{spread}"


def _also(incident: Incident) -> str:
    worked = healed_by(incident)
    return some(code(unit, 80) for unit in worked.also) if worked is not None else ""


def _steps(incident: Incident) -> str:
    steps = [
        (
            f"See that it is the same ({_LAST} `opsagent show {incident.label}`):",
            _see(incident),
            inline(reason_of(incident)),
        ),
        *((f"What {inline(by, 40)} wrote. {_UNTRUSTED}", fenced(said), "") for by, said in words_of_people(incident)),
        *_cured(incident),
    ]
    return "\n\n".join(_step(number, *step) for number, step in enumerate(steps, start=1))


def _see(incident: Incident) -> str:
    """A name that somebody reported is none of the settings: it may be anything, and never stands in a command."""
    if incident.unit:
        return fenced((f"systemctl status {incident.unit}",))
    return fenced((f"opsagent check {incident.checks[0]}" if incident.checks else f"opsagent show {incident.label}",))


def _cured(incident: Incident) -> list[tuple[str, str, str]]:
    """Return what ended it, with what is to be expected then."""
    worked = healed_by(incident)
    if worked is None:
        return []
    wanted = inline(worked.reason)
    if worked.remedy not in _COMMANDS:
        what = f"Let the check's own {code(worked.label, 40)} of the settings run"
        return [(f"{what}:", fenced((f"opsagent repair {incident.check}",)), wanted)]
    commands = tuple(one.format(worked.unit) for one in _COMMANDS[worked.remedy])
    return [(f"Do what worked (try {worked.attempt}):", fenced(commands), wanted)]


def _step(number: int, what: str, block: str, expected: str) -> str:
    said = f"\n\n   **Expected output**: {expected}" if expected else ""
    return f"{number}. {what}\n\n" + "\n".join(f"   {line}" for line in block.splitlines()) + said


def _verification(incident: Incident) -> str:
    proofs = [f"- {code(one.check, 64)} was good {one.looks} times in a row" for one in incident.proof]
    checks = [f"- `opsagent check {name}`: **Expected output**: ok" for name in incident.checks]
    return "\n".join([*checks, *proofs]) or "- Ask who reported it: no check sees it."


def _rollback(incident: Incident) -> str:
    if incident.changes:
        return f"It began after {inline(phrase(ranked(incident)[0].change))}: taking that back may be the better cure."
    worked = healed_by(incident)
    if worked is None:
        return "Not known: write here how to take back what was done."
    return (
        f"A {inline(worked.remedy, 40)} changes no data and cannot be taken back; if it makes things worse, escalate."
    )


def _troubleshooting(incident: Incident) -> str:
    rows = [_row(one) for one in ordered(incident.actions) if one.outcome is not Outcome.VERIFIED]
    head = "| tried | outcome | why |\n| --- | --- | --- |"
    return "\n".join([head, *(rows or ["| nothing else was tried | | |"])])


def _row(action: Action) -> str:
    return f"| {cell(action.label, 40)} {cell(action.unit, 80)} | {action.outcome} | {cell(action.reason)} |"


def _escalation(incident: Incident) -> str:
    told = dict.fromkeys(f"{inline(one.level, 40) or 'all'} by {inline(one.notifier, 64)}" for one in incident.told)
    lines = [f"- Told this time: {', '.join(told)}" if told else "- Nobody had to be told this time."]
    by = incident.acknowledged_by or incident.resolved_by
    lines += [f"- {inline(by, 40)} knows it." if by else "- Write here who knows it."]
    return "\n".join(lines)
