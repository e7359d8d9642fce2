"""Entries about what others changed: in the day's file, and in the decision memory for what will last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.change import MARKERS, PEOPLE, Change, ChangeKind, phrase
from opsagent.core.report.about_host import host_story
from opsagent.core.report.about_incident import incident_story
from opsagent.core.report.clock import moment
from opsagent.core.report.entry import Entry, Scene, told
from opsagent.core.report.figures import names
from opsagent.core.report.links import link
from opsagent.core.report.markdown import code, cut, fenced, inline
from opsagent.core.timing import local_date

if TYPE_CHECKING:
    from datetime import date

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

DECISIONS = (
    "# Decisions\n\nWhat was changed on this host, and why, as far as anybody said so. Write in it: opsagent adds.\n"
)
NOT_KNOWN = "not known; whoever made it may say so here"
NAMED = 3


@host_story.register(ev.ChangeSeen)
def _(event: ev.ChangeSeen, scene: Scene) -> str:
    """One line for everything but logins and commands, which are a count; a few more for what will last."""
    if event.kind in PEOPLE:
        return ""
    found = " · made while opsagent did not look" if event.unseen else ""
    heading = f"{scene.when(event.at)} {inline(phrase(event), 160)}{found}"
    if not event.is_lasting:
        return told(heading)
    diff = "**Difference** in the decision memory" if event.diff else ""
    return told(heading, _concerns(event), _parts(event), diff)


@incident_story.register(ev.TicketOpened)
def _(event: ev.TicketOpened, scene: Scene, incident: Incident) -> str:
    parts = (f"{scene.now()} {inline(event.title, 80)}", "a ticket is open", link(incident))
    heading = " · ".join(part for part in parts if part)
    return told(heading, f"**Why** {inline(event.reason)}", f"**Ticket** {code(f'tickets/{incident.label}.md')}")


def _concerns(change: Change) -> str:
    return f"**Concerns** {names(change.units)}: not repaired for a while after it" if change.units else ""


def _parts(change: Change) -> str:
    if change.count < 2:  # noqa: PLR2004 - one is named in the heading already
        return ""
    more = f" and {change.count - len(change.items)} more" if change.count > len(change.items) else ""
    return f"**Of it** {', '.join(inline(one, 60) for one in change.items)}{more}"


def changed_today(state: State, today: date) -> str:
    """Return what was changed on a day, the last of it with its words, and how many people came; "" for nothing."""
    mine = [one for one in state.changes.known if one.kind not in PEOPLE and local_date(one.at, state.zone) == today]
    said = [cut(inline(phrase(one), 70), 80) for one in mine[-NAMED:]]
    more = [f"and {len(mine) - NAMED} before"] if len(mine) > NAMED else []
    counts = state.changes if state.changes.day == today else None
    people = ((counts.logins, "login"), (counts.commands, "sudo command")) if counts else ()
    came = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in people if count]
    parts = [*said, *more, *came]
    return f"**Changed:** {' · '.join(parts)}" if parts else ""


def decision(after: State, recorded: Recorded, host: str) -> Entry | None:
    """Return what a change adds to the decision memory, None for what will not last. People may edit all of it."""
    event = recorded.event
    if not isinstance(event, ev.ChangeSeen) or not event.is_lasting:
        return None
    reported = event.kind in MARKERS and not event.mark
    lines = [
        f"## Decision: {inline(phrase(event), 160)}",
        "",
        *(f"- **{name}**: {said}" for name, said in _facts(event, after.zone, host, reported=reported)),
    ]
    block = ["", fenced(event.diff)] if event.diff else []
    return Entry(date=local_date(event.at, after.zone), seq=recorded.seq, text="\n".join([*lines, *block]))


def _facts(change: Change, zone: str, host: str, *, reported: bool) -> tuple[tuple[str, str], ...]:
    """The fields that decision memories of agents have, in their order."""
    found = f"reported on {inline(host, 63)}" if reported else f"found by opsagent on {inline(host, 63)}"
    by = f", made by {inline(change.by, 60)}" if change.by else ""
    units = names(change.units)
    impact = f"{units}; what goes bad now is told together with this" if units else "the host"
    return (
        ("Date", moment(change.at, zone)),
        ("Context", f"{found}{by}{', while opsagent did not look' if change.unseen else ''}"),
        ("Alternatives considered", NOT_KNOWN),
        ("Reason", code(change.subject) if reported else NOT_KNOWN),
        ("Impact", impact),
        ("Status", "rolled back" if change.kind is ChangeKind.ROLLBACK else "in force"),
    )
