"""The figures of a day, each line for the end of a head: what was done, and how well it was watched."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.beats import missed
from opsagent.core.observation import Status
from opsagent.core.report.clock import hhmm, seen_from
from opsagent.core.report.markdown import cut, inline
from opsagent.core.state import Day
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.state import State
    from opsagent.core.trend import Coming

BLIPS_NAMED = 3
SOON = timedelta(hours=36)
"""What comes sooner is told by the hour."""


def figures(state: State, today: date) -> str:
    """Return what happened and what may be done: `**0 open · 0 pages · 0 restarts · 2 blips** · armed: api`."""
    day = _day(state, today)
    opened, word = len(state.open_incidents), "repairs" if day.others else "restarts"
    if not (opened or day.pages or day.actions or day.healed):
        return f"**0 open · 0 pages · 0 restarts · {_count(len(day.blips), 'blip')}** · {_hands(state)}"
    done = f"**{opened} open** · **healed alone** {len(day.healed)}{_healed(state, day)} · **pages** {day.pages}"
    did = f"**{word}** {len(day.actions)}{_busiest(state, day)} · **blips** {len(day.blips)}"
    return f"{done} · {did} · {_hands(state)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _healed(state: State, day: Day) -> str:
    checks = {one.seq: one.check for one in state.past} | {seq: one.check for seq, one in state.incidents.items()}
    at = {heal.incident: heal.at for heal in state.heals}
    known = [seq for seq in day.healed if seq in checks and seq in at]
    named = (f"{inline(checks[seq], 30)} {hhmm(at[seq], state.zone)}" for seq in known)
    return cut(f" ({', '.join(named)})", 70) if known else ""


def _busiest(state: State, day: Day) -> str:
    """Say how near the day came to the budget of the host."""
    within, limit = state.budget.within, state.budget.actions
    most = max((sum(at <= later < at + within for later in day.actions) for at in day.actions), default=0)
    span = "one hour" if within == timedelta(hours=1) else spoken(within)
    return f", at most {most} in {span} (limit {limit})" if most else ""


def _hands(state: State) -> str:
    others = len(state.checks) - len(state.armed)
    if state.mode == "observe" or not state.armed:
        return f"only watched: {_count(len(state.checks), 'check')}"
    lead = "armed" if state.mode == "auto" else "asks before it repairs"
    return f"{lead}: {names(state.armed, 90)}" + (f" · only watched: {_count(others, 'other')}" if others else "")


def watch(state: State, now: datetime, today: date) -> str:
    """Return how well the day was watched: `Heartbeats 48 of 48, last 23:30 · checks 14 good, 0 blind · …`."""
    day = _day(state, today)
    expected = day.heartbeats + day.missed + missed(state, now)
    last = f", last {hhmm(day.last_heartbeat_at, state.zone)}" if day.last_heartbeat_at else ""
    up = f"daemon up {spoken(now - state.started_at)}" if state.started_at and not state.stopped_at else ""
    down = f"daemon stopped {seen_from(state.stopped_at, state.zone, today)}" if state.stopped_at else ""
    man = state.dead_man
    alive = f"dead man answered {seen_from(man.at, state.zone, today)}" if man is not None and not man.said else ""
    beats = f"Heartbeats {day.heartbeats} of {expected}{last}"
    parts = (beats, _looks(state), up, down, alive, _proven(state, today), f"times {state.zone}")
    return " · ".join(part for part in parts if part)


def _looks(state: State) -> str:
    """Count the checks as they stand; one that cannot look is blind, whatever it said before."""
    blind = {name for one in state.open_incidents if one.blind for name in one.checks}
    known = [state.health[name].status for name in state.checks if name in state.health and name not in blind]
    good, bad = known.count(Status.OK), sum(one in (Status.WARNING, Status.CRITICAL) for one in known)
    unknown = len(state.checks) - good - bad - len(blind)
    counts = (f"{good} good", f"{bad} bad" if bad else "", f"{len(blind)} blind")
    return f"checks {', '.join(filter(None, (*counts, f'{unknown} not known yet' if unknown > 0 else '')))}"


def _proven(state: State, today: date) -> str:
    """Say when each notifier last delivered something: one that never did may not be able to."""
    said = (
        f"{inline(name, 30)} proven {seen_from(state.proven[name], state.zone, today)}"
        if name in state.proven
        else f"{inline(name, 30)} not proven yet"
        for name in state.notifiers
    )
    return cut(" · ".join(said), 90)


def blips(state: State, today: date) -> str:
    """Return the failures that went away before they were believed, the last ones with their words; "" for none."""
    every = _day(state, today).blips
    said = [f"{inline(b.check, 30)} {hhmm(b.at, state.zone)} ({cut(inline(b.message), 60)})" for b in every]
    more = f" · and {len(every) - BLIPS_NAMED} before" if len(every) > BLIPS_NAMED else ""
    return f"**Blips, not acted on:** {' · '.join(said[-BLIPS_NAMED:])}{more}" if said else ""


def coming(state: State, now: datetime, today: date) -> str:
    """Return what the checks will say some day if all goes on as it did, "" for nothing."""
    said = coming_ones(state, now, today)
    return f"**Coming:** {' · '.join(said[:BLIPS_NAMED])}" if said else ""


def coming_ones(state: State, now: datetime, today: date) -> tuple[str, ...]:
    """Return the same, a sentence for each check."""
    return tuple(_coming(one, state, now, today) for one in state.coming if one.at > now)


def _coming(one: Coming, state: State, now: datetime, today: date) -> str:
    name, left = inline(one.check, 40), one.at - now
    if one.unit != "%":
        return f"certificate {name} {_count(left.days, 'day')} left"
    if left < SOON:
        rate = f"{_digits(one.per_day / 24)} % an hour"
        return f"{name} {one.value:.0f} %, +{rate}, {one.limit:.0f} % at about {seen_from(one.at, state.zone, today)}"
    rate = f"{_digits(one.per_day)} % a day"
    return f"{name} {one.value:.0f} %, +{rate}, {one.limit:.0f} % in about {round(left / timedelta(days=1))} days"


def _digits(rate: float) -> str:
    return f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"  # noqa: PLR2004 - one digit that says something


def names(many: Iterable[str], limit: int = 120) -> str:
    """Return names with commas between them, each once, in at most so many bytes."""
    return cut(", ".join(inline(name, 40) for name in dict.fromkeys(many)), limit)


def _day(state: State, today: date) -> Day:
    return state.day if state.day is not None and state.day.date == today else Day(date=today)
