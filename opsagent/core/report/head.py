"""The head of a day's file: whether somebody is needed, and the figures of the day, in exactly as many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.observation import Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.report.clock import day_title, hhmm, seen_from
from opsagent.core.report.entry import Entry, told
from opsagent.core.report.links import link
from opsagent.core.report.markdown import code, inline
from opsagent.core.state import Day
from opsagent.core.timing import local_date, spoken
from opsagent.core.wording import bad_since, needs_you, reason_of, trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

HEAD_BYTES = 1100
"""An agent is shown the first 1,200 characters of a file; a fixed length lets the head be rewritten in place."""
BLIPS_NAMED = 3
HOUR = timedelta(hours=1)
_OPEN = "<!-- opsagent:head {} · do not edit between the marks -->"
_END = "<!-- /opsagent:head -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of one local day's file, with the date that says which file."""

    date: date
    text: str


def head(state: State, now: datetime, host: str) -> Head:
    """Return the head of today's file as it stands now: `HEAD_BYTES` bytes of UTF-8, verdict first."""
    today = local_date(now, state.zone)
    needed = tuple(sorted((i for i in state.open_incidents if needs_you(i)), key=lambda i: (i.severity or "", i.seq)))
    others = tuple(i for i in state.open_incidents if i not in needed and not i.suppressed_by)
    return Head(
        date=today,
        text=fitted(
            title=f"{day_title(today)} · {cut(inline(host, 63), 90)} · {_verdict(needed)}",
            mark=hhmm(now, state.zone),
            first=(*_standing(state, today), *(_open_line(i, state, today) for i in (*needed, *others))),
            last=(_figures(state, today), _watch(state, now, today)),
        ),
    )


def closing(before: State, after: State, recorded: Recorded) -> Entry | None:
    """Return the figures of a day that has just ended, as its last entry: for files that have no head of ours."""
    ended, now = before.day, after.day
    if ended is None or now is None or now.date <= ended.date:
        return None
    needed = tuple(incident for incident in before.open_incidents if needs_you(incident))
    figures = (_figures(before, ended.date), _watch(before, recorded.at, ended.date))
    return Entry(date=ended.date, seq=recorded.seq, text=told(f"24:00 the day · {_verdict(needed)}", *figures))


def past_head(day: date, host: str, zone: str) -> Head:
    """Return the head of a day that is written again from the log when its figures are no longer known."""
    said = f"This file was written again from the event log; the day's figures are not known any more · times {zone}"
    return Head(
        date=day, text=fitted(title=f"{day_title(day)} · {cut(inline(host, 63), 90)}", mark="24:00", last=(said,))
    )


def continued_head(day: date, host: str, following: str) -> Head:
    """Return the last head of a file that has become too long, pointing to the one that goes on."""
    said = f"This file is full. The day goes on in {code(following)}: read that one first."
    return Head(
        date=day,
        text=fitted(title=f"{day_title(day)} · {cut(inline(host, 63), 90)} · continued", mark="", last=(said,)),
    )


def fitted(*, title: str, mark: str, first: Sequence[str] = (), last: Sequence[str] = ()) -> str:
    """Put a head together in exactly `HEAD_BYTES` bytes. `last` lines stay; of `first` as many as there is room for.

    What has no room is counted. A line that is too long alone is cut, never in the middle of a character.
    """
    top = f"# {cut(title, 300)}\n{_OPEN.format(mark)}\n"
    room = HEAD_BYTES - len(top.encode()) - len(_END) - 2
    ending = "".join(f"{cut(line, 300)}\n" for line in last)
    body = _chosen(first, room - len(ending.encode())) + ending
    return f"{top}{body}{' ' * (room - len(body.encode()))}\n{_END}\n"


def _chosen(lines: Sequence[str], room: int) -> str:
    whole = "".join(f"{line}\n" for line in lines)
    if len(whole.encode()) <= room:
        return whole
    for kept in range(len(lines) - 1, 0, -1):
        chosen = "".join(f"{line}\n" for line in lines[:kept]) + f"**and {len(lines) - kept} more:** opsagent status\n"
        if len(chosen.encode()) <= room:
            return chosen
    return f"**{len(lines)} lines do not fit here:** opsagent status\n" if room >= 80 else ""  # noqa: PLR2004 - its length


def cut(text: str, limit: int) -> str:
    """Return text of at most `limit` bytes of UTF-8, ending in … where it was cut."""
    raw = text.encode(errors="replace")
    return raw.decode() if len(raw) <= limit else raw[: limit - 3].decode(errors="ignore") + "…"


def refitted(text: str, clean: Callable[[str], str]) -> str:
    """Return a head whose words have passed through `clean`, in the same number of bytes."""
    if clean(text) == text:
        return text
    title, mark, *lines = text.splitlines()
    body = [clean(line) for line in lines[:-1] if line.strip()]
    return fitted(title=clean(title.removeprefix("# ")), mark=mark.split()[2], first=body)


def _verdict(needed: Sequence[Incident]) -> str:
    if not needed:
        return "nothing needs you"
    if len(needed) == 1:
        return f"**1 needs you: {inline(trouble(needed[0]), 80)}**"
    names = ", ".join(inline(incident.check, 40) for incident in needed[:3])
    more = f" and {len(needed) - 3} more" if len(needed) > 3 else ""  # noqa: PLR2004 - three names fit a title
    return f"**{len(needed)} need you: {names}{more}**"


def _open_line(incident: Incident, state: State, today: date) -> str:
    name, since = code(incident.check, 64), seen_from(bad_since(incident), state.zone, today)
    said = cut(inline(reason_of(incident), 110), 130)
    owner = _owner(incident, state, today)
    return f"**Open:** {name} {incident.severity} since {since}, {said}. {owner}. {link(incident)}"


def _owner(incident: Incident, state: State, today: date) -> str:
    if incident.acknowledged_at and incident.state is Phase.ACKNOWLEDGED:
        hands = "repairs go on" if incident.keep_repairing else "hands off"
        at = seen_from(incident.acknowledged_at, state.zone, today)
        return f"Taken {at} by {inline(incident.acknowledged_by, 30)}; {hands}"
    if incident.state is Phase.VERIFYING:
        return "Good again, watched"
    if incident.state is Phase.SNOOZED and incident.snoozed_until:
        return f"Quiet until {seen_from(incident.snoozed_until, state.zone, today)}"
    if incident.state is Phase.REPAIRING:
        return "Repairing"
    if incident.severity is Severity.SEV4:
        return "In the digest"
    return "Waiting for a person" if incident.first_paged_at else "Nobody told yet"


def _standing(state: State, today: date) -> tuple[str, ...]:
    """What holds the agent's hands or voice, whatever happens next."""
    hold = state.conditions.hold
    chronic = [unit for unit, at in state.chronic_told.items() if local_date(at, state.zone) == today]
    late = [owed for owed in state.owed.values() if owed.attempts]
    lines = [
        f"**HOLD:** {cut(inline(hold, 100), 120)}: nothing is repaired" if hold else "",
        f"**Not delivered yet:** {len(late)}, last error {cut(inline(late[-1].last_error, 80), 100)}" if late else "",
        f"**Breaker open** since {seen_from(state.breaker.opened_at, state.zone, today)}: no repairs"
        if state.breaker
        else "",
        f"**Healed too often, look for the cause:** {_names(chronic)}" if chronic else "",
        f"**Flapping:** {_names(state.flapping)}" if state.flapping else "",
        f"**Stopped by an operator, left alone:** {_names(state.stops)}" if state.stops else "",
        f"**Paused:** {_names(state.pauses)}" if state.pauses else "",
    ]
    return tuple(line for line in lines if line)


def _figures(state: State, today: date) -> str:
    day = _day(state, today)
    past = {one.seq: one.check for one in state.past}
    seen = {**past, **{seq: one.check for seq, one in state.incidents.items()}}
    healed = f" ({_names(seen[seq] for seq in day.healed if seq in seen)})" if day.healed else ""
    most = max((sum(at <= later < at + HOUR for later in day.actions) for at in day.actions), default=0)
    restarts = f"**actions** {len(day.actions)}" + (f", at most {most} in one hour" if most > 1 else "")
    blips = "; ".join(f"{inline(b.check, 30)} {hhmm(b.at, state.zone)}" for b in day.blips[-BLIPS_NAMED:])
    named = f" ({blips})" if blips else ""
    opened = f"**{len(state.open_incidents)} open** · healed alone {len(day.healed)}{cut(healed, 60)}"
    return f"{opened} · **pages** {day.pages} · {restarts} · blips {len(day.blips)}{cut(named, 80)}"


def _watch(state: State, now: datetime, today: date) -> str:
    day = _day(state, today)
    last = f", last {hhmm(day.last_heartbeat_at, state.zone)}" if day.last_heartbeat_at else ""
    known = [state.health[name].status for name in state.checks if name in state.health]
    good, unknown = known.count(Status.OK), known.count(Status.UNKNOWN)
    looked = f"checks {good} good, {len(known) - good - unknown} bad, {unknown} unknown"
    up = f" · daemon up {spoken(now - state.started_at)}" if state.started_at and not state.stopped_at else ""
    down = f" · daemon stopped {seen_from(state.stopped_at, state.zone, today)}" if state.stopped_at else ""
    armed = f"armed: {_names(state.armed)}" if state.armed and state.mode == "auto" else "only watching"
    return f"Heartbeats {day.heartbeats}{last} · {looked} · {cut(armed, 90)}{up}{down} · times {state.zone}"


def _day(state: State, today: date) -> Day:
    return state.day if state.day is not None and state.day.date == today else Day(date=today)


def _names(names: Iterable[str]) -> str:
    return cut(", ".join(inline(name, 40) for name in dict.fromkeys(names)), 120)
