"""What stands over a day: what holds the agent back, and what is left for a person to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.incident import CHRONIC
from opsagent.core.phase import Phase
from opsagent.core.report.clock import seen_from
from opsagent.core.report.markdown import code, cut, inline
from opsagent.core.text import visible
from opsagent.core.timing import local_date
from opsagent.core.wording import situation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from opsagent.core.incident import Incident
    from opsagent.core.state import DeadMan, State
    from opsagent.core.trust import Standing

TASKS = 3
LONGEST_COMMAND = 60
DAY = timedelta(days=1)


def standing(state: State, today: date) -> tuple[str, ...]:
    """Return what holds the agent's hands, voice or eyes, whatever happens next, for a head."""
    return tuple(f"**{lead}** {cut(inline(rest), 160)}" for lead, rest in holding(state, today))


def holding(state: State, today: date) -> tuple[tuple[str, str], ...]:
    """Return the same in plain words: what it is, and the rest of the sentence."""
    hold, late, man = state.conditions.hold, [one for one in state.owed.values() if one.attempts], state.dead_man
    since = seen_from(state.breaker.opened_at, state.zone, today) if state.breaker else ""
    lines = [
        ("HOLD:", f"{visible(hold, 100)}: nothing is repaired" if hold else ""),
        ("Not delivered yet:", f"{len(late)}, last error {visible(late[-1].last_error, 80)}" if late else ""),
        ("Dead man does not answer", _silent(man, state.zone, today) if man is not None and man.said else ""),
        ("Breaker open", f"since {since}: no repairs" if since else ""),
        *(("Room:", visible(line, 120)) for line in state.complaints[:1]),
        ("Flapping:", _listed(state.flapping)),
        ("Stopped by an operator, left alone:", _listed(state.stops)),
        ("Paused:", _listed(state.pauses)),
    ]
    return tuple((lead, rest) for lead, rest in lines if rest)


def _listed(names: Iterable[str]) -> str:
    return visible(", ".join(visible(name, 40) for name in dict.fromkeys(names)), 120)


def _silent(man: DeadMan, zone: str, today: date) -> str:
    return f"since {seen_from(man.since, zone, today)}: {visible(man.said, 80)}"


def todays(state: State, needed: Sequence[Incident], today: date) -> str:
    """Return what is left for a person, numbered, the most urgent first; "" when nothing is."""
    told = [unit for unit, at in state.chronic_told.items() if local_date(at, state.zone) == today]
    chronic = [unit for unit in told if state.open_for(unit + CHRONIC) is None]  # else the incident says it
    tasks = [
        *(_task(incident, state, today) for incident in needed),
        "the rights do not fit the settings: `opsagent install --refresh`" if state.lacking else "",
        f"new settings refused ({len(state.refused)} wrong): `opsagent validate`" if state.refused else "",
        *(f"{inline(unit, 60)}: healed too often, look for the cause" for unit in chronic),
        *(_earned(one) for one in state.standings.values() if _is_news(one, state, today)),
        _drafts(state),
    ]
    said = [cut(task, 100) for task in tasks if task]
    more = f" · and {len(said) - TASKS} more" if len(said) > TASKS else ""
    listed = " · ".join(f"{number}. {task}" for number, task in enumerate(said[:TASKS], start=1))
    return f"**Today:** {listed}{more}" if said else ""


def _is_news(one: Standing, state: State, today: date) -> bool:
    """What was earned late at night is still news in the morning."""
    return one.offered_at is not None and not one.trusted_at and today - local_date(one.offered_at, state.zone) <= DAY


def _earned(one: Standing) -> str:
    command = f"opsagent trust {one.key} {one.remedy}"
    shown = command if len(command) <= LONGEST_COMMAND else "opsagent trust"  # a command that is cut is none
    return f"{inline(one.remedy, 20)} worked {one.worked} of {one.worked}: {code(shown)}"


def _drafts(state: State) -> str:
    waiting = [one.name for one in state.guides.runbooks if one.is_draft]
    if not waiting:
        return ""
    rest = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    return f"a runbook was drafted, correct it: ops/runbooks/{inline(waiting[0], 50)}{rest}"


def _task(incident: Incident, state: State, today: date) -> str:
    name = inline(incident.check, 40)
    if incident.state is Phase.ACKNOWLEDGED and incident.ack_until:
        until = seen_from(incident.ack_until, state.zone, today)
        return f"{name}: {inline(incident.acknowledged_by, 30)} has it until {until}"
    if incident.state is Phase.SNOOZED and incident.snoozed_until:
        return f"{name}: quiet until {seen_from(incident.snoozed_until, state.zone, today)}, then it is yours"
    if incident.blind:
        return f"{name}: cannot be looked at, find out why"
    asked = incident.suggestion
    if asked is not None and not asked.expired:
        return f"{name}: may I {inline(asked.remedy, 30)}? `opsagent approve {incident.label}`"
    return f"{name}: {situation(incident)}, find the cause (`opsagent show {incident.label}`)"
