"""The rows of the status page: a check with its bars, an incident, a way to people."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING

from opsagent.core.observation import Status
from opsagent.core.page import words
from opsagent.core.page.words import when
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from opsagent.core.page.days import DaySeen
    from opsagent.core.page.model import CheckShown, NotifierShown, OpenShown, OverShown, Page

COLUMNS = ("Check", "Status", "What it says", "Last 30 days")
MARKS = {Status.OK: "✓ good", Status.WARNING: "! warning", Status.CRITICAL: "✕ critical", Status.UNKNOWN: "? not known"}
KEY = """<ul class="key soft" aria-label="What the bars mean">
<li><span class="bars"><i class="g"></i></span>good</li>
<li><span class="bars"><i class="w h2"></i></span>a warning, or critical for less than a minute</li>
<li><span class="bars"><i class="c h2"></i></span>critical: the more, the higher</li>
<li><span class="bars"><i class="p h3"></i></span>watched for a part</li>
<li><span class="bars"><i class="u"></i></span>not watched</li>
</ul>
"""
HEIGHTS = ((0.01, "h1"), (0.1, "h2"), (0.5, "h3"))
"""Shares of bad time below which the bad part of a bar is so high: five minutes of a day must be seen too."""
PARTS = ((0.35, "h1"), (0.6, "h2"), (0.9, "h3"))
"""The same of the watched part of a day that was good; from the last on it is a whole bar."""


def check(one: CheckShown, page: Page) -> str:
    """Return the row of a check."""
    about = " · ".join(filter(None, (one.kind, one.unit, "armed" if one.armed else "", one.suppressed_by)))
    since = f"since {when(one.since, page)}: " if one.since and one.status is not Status.OK else ""
    return f"""<tr role="row"><th scope="row" role="rowheader"><b>{escape(one.name)}</b>
<span class="soft">{escape(about)}</span></th>
<td role="cell"><span class="tag {one.status}">{MARKS[one.status]}</span></td>
<td class="said soft" role="cell">{since}{escape(one.message)}</td>
<td class="past" role="cell">{_past(one)}</td></tr>
"""


def _past(one: CheckShown) -> str:
    if not one.days:
        return '<p class="soft">its past is not read yet</p>'
    said = escape(words.bars(one.name, one.days, one.available))
    inside = "".join(f'<i class="{_look(day)}" title="{escape(words.day(day))}"></i>' for day in one.days)
    share = words.share(one.available)
    return f"""<div class="bars" role="img" aria-label="{said}">{inside}</div>
<p class="ends"><span>{len(one.days)} days ago</span><b>{share}</b><span>today</span></p>{_days(one)}"""


def _look(day: DaySeen) -> str:
    if day.status is Status.UNKNOWN:
        return "u"
    if day.status is Status.OK:
        seen = day.watched / (day.watched + day.unknown)
        return "g" if seen >= PARTS[-1][0] else f"p {_height(seen, PARTS)}"
    bad = (day.critical + day.warning) / day.watched
    return f"{'c' if day.status is Status.CRITICAL else 'w'} {_height(bad, HEIGHTS)}"


def _height(share: float, steps: tuple[tuple[float, str], ...]) -> str:
    return next((name for below, name in steps if share < below), "h4")


def _days(one: CheckShown) -> str:
    """Return the days that were not good as a list that opens: a finger cannot hover."""
    troubled = [day for day in one.days if day.status in {Status.WARNING, Status.CRITICAL}]
    if not troubled:
        return ""
    count = f"{len(troubled)} day{'s' if len(troubled) > 1 else ''} with trouble"
    items = "".join(f"<li>{escape(words.day(day))}</li>" for day in reversed(troubled))
    return f"<details><summary>{count}</summary><ul>{items}</ul></details>"


def opened(one: OpenShown, page: Page) -> str:
    """Return the card of an open incident."""
    look = "critical" if one.needs_you else "warning"
    about = "".join(f" · {escape(each)}" for each in (one.unit, one.suppressed_by) if each)
    return f"""<article class="card {look}">
<h3>{escape(one.check)} <span class="tag {look}">{escape(one.severity)}</span></h3>
<p>{escape(one.reason)}</p>
<p class="soft">since {when(one.since, page)} · {escape(one.owner)} · {_label(one.label, one.file)}{about}</p>
</article>
"""


def _label(label: str, file: str | None) -> str:
    return f'<a href="{escape(file)}">{escape(label)}</a>' if file else escape(label)


def over(one: OverShown, page: Page) -> str:
    """Return the line of an incident that is over."""
    lasted = spoken(timedelta(seconds=one.seconds)) if one.seconds is not None else ""
    healed = f"repaired by opsagent{f' in {lasted}' if lasted else ''}"
    said = healed if one.healed else f"good again{f' after {lasted}' if lasted else ''}"
    return (
        f"<span><b>{escape(one.check)}</b> {said}</span>"
        f'<span class="soft">{when(one.at, page)} · {_label(one.label, one.file)}</span>'
    )


def notifier(one: NotifierShown, page: Page) -> str:
    """Return the line of a way to people."""
    if one.waiting:
        why = f": {escape(one.last_error)}" if one.last_error else ""
        state = f'<span class="tag warning">! {one.waiting} not delivered yet</span>{why}'
    elif one.proven_at is not None:
        state = f'<span class="soft">last delivered {when(one.proven_at, page)}</span>'
    else:
        state = '<span class="soft">has delivered nothing yet</span>'
    return f'<span><b>{escape(one.name)}</b> <span class="soft">{escape(one.kind)}</span></span><span>{state}</span>'
