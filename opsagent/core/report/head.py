"""The head of a day's file: whether somebody is needed, and the figures of the day, in exactly as many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from opsagent.core.report.about_changes import changed_today
from opsagent.core.report.about_logs import review_line
from opsagent.core.report.clock import day_title, hhmm, seen_from
from opsagent.core.report.entry import Entry, told
from opsagent.core.report.figures import blips, coming, figures, watch
from opsagent.core.report.links import link
from opsagent.core.report.markdown import code, cut, inline
from opsagent.core.report.standing import standing, todays
from opsagent.core.report.verdict import needed, owner, verdict
from opsagent.core.timing import local_date, resolve
from opsagent.core.wording import bad_since, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.state import State

HEAD_BYTES = 1100
"""An agent is shown the first 1,200 characters of a file; a fixed length lets the head be rewritten in place."""
DAY = timedelta(days=1)
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
    wanted = needed(state)
    others = tuple(i for i in state.open_incidents if i not in wanted and not i.suppressed_by)
    return Head(
        date=today,
        text=fitted(
            title=f"{day_title(today)} · {cut(inline(host, 63), 90)} · {_verdict(wanted)}",
            mark=hhmm(now, state.zone),
            first=(*standing(state, today), *(_open_line(i, state, today) for i in (*wanted, *others))),
            spare=(
                todays(state, wanted, today),
                coming(state, now, today),
                changed_today(state, today),
                review_line(state, today),
                blips(state, today),
            ),
            last=(figures(state, today), watch(state, now, today)),
        ),
    )


def closing(before: State, after: State, recorded: Recorded) -> Entry | None:
    """Return the figures of a day that has just ended, as its last entry: for files that have no head of ours."""
    ended, now = before.day, after.day
    if ended is None or now is None or now.date <= ended.date:
        return None
    midnight = resolve(datetime.combine(ended.date + DAY, time()), before.zone)
    until = min(recorded.at, midnight - timedelta(microseconds=1))
    last = (figures(before, ended.date), watch(before, until, ended.date), blips(before, ended.date))
    return Entry(date=ended.date, seq=recorded.seq, text=told(f"24:00 the day · {_verdict(needed(before))}", *last))


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


def fitted(
    *, title: str, mark: str, first: Sequence[str] = (), spare: Sequence[str] = (), last: Sequence[str] = ()
) -> str:
    """Put a head together in exactly `HEAD_BYTES` bytes. `last` lines stay; of `first` as many as there is room for.

    What has no room is counted. A line that is too long alone is cut, never in the middle of a character. `spare`
    lines stand between them, each that still finds room.
    """
    top = f"# {cut(title, 300)}\n{_OPEN.format(mark)}\n"
    room = HEAD_BYTES - len(top.encode()) - len(_END) - 2
    ending = "".join(f"{cut(line, 300)}\n" for line in last)
    body = _chosen(first, room - len(ending.encode()))
    for line in filter(None, spare):
        more = f"{cut(line, 300)}\n"
        body += more if len((body + more + ending).encode()) <= room else ""
    body += ending
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


def refitted(text: str, clean: Callable[[str], str]) -> str:
    """Return a head whose words have passed through `clean`, in the same number of bytes."""
    if clean(text) == text:
        return text
    title, mark, *lines = text.splitlines()
    body = [clean(line) for line in lines[:-1] if line.strip()]
    return fitted(title=clean(title.removeprefix("# ")), mark=mark.split()[2], first=body)


def _verdict(wanted: Sequence[Incident]) -> str:
    said = inline(verdict(wanted))
    return f"**{said}**" if wanted else said


def _open_line(incident: Incident, state: State, today: date) -> str:
    name, since = code(incident.check, 64), seen_from(bad_since(incident), state.zone, today)
    said = cut(inline(reason_of(incident), 110), 130)
    has_it = inline(owner(incident, state, today))
    return f"**Open:** {name} {incident.severity} since {since}, {said}. {has_it}. {link(incident)}"
