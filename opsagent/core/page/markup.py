"""The status page as one HTML document: no script, nothing from elsewhere, every text of others escaped."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from opsagent.core.observation import Status
from opsagent.core.page import rows
from opsagent.core.page.model import RENEWED, Level
from opsagent.core.page.style import STYLE
from opsagent.core.page.words import when
from opsagent.core.report.clock import day_title
from opsagent.core.timing import local_date, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.page.model import Page

LOOKS = {Level.GOOD: "ok", Level.OPEN: "warning", Level.BAD: "critical", Level.DOWN: "critical"}
MARKS = {Level.GOOD: "✓", Level.OPEN: "!", Level.BAD: "✕", Level.DOWN: "✕"}
COLOURS = {"ok": "2c974b", "warning": "bf8700", "critical": "cf222e"}
DOT = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle cx='4.5' cy='4.5' r='4' fill='%23{}'/></svg>"
MOST_OPEN = 50
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"


def document(page: Page) -> str:
    """Return the whole document."""
    parts = (
        _top(page),
        _section("What is wrong with opsagent", _cards(page.troubles, "warning")),
        _section("Open", _open(page)),
        _section("Held back", _cards(page.notes, "unknown")),
        _checks(page),
        _section("Coming, if all goes on as it did", _list(f"<span>{escape(one)}</span>" for one in page.coming)),
        _section("Over in the last 30 days", _list(rows.over(one, page) for one in page.lately)),
        _section("Who is told", _list(rows.notifier(one, page) for one in page.notifiers)),
        _section("The agent", _list(_agent(page))),
    )
    return f"{_head(page)}<body>\n{''.join(parts)}</main>\n{_foot(page)}</body>\n</html>\n"


def _head(page: Page) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(page.host)}: {escape(page.verdict)}</title>
<link rel="icon" href="data:image/svg+xml,{DOT.format(COLOURS[LOOKS[page.level]])}">
<style>{STYLE}</style>
</head>
"""


def _top(page: Page) -> str:
    today = local_date(page.as_of, page.zone)
    counts = ", ".join(f"{n} {word}" for word, n in _counts(page) if n)
    stopped = f"since {when(page.stopped_at, page)} · " if page.stopped_at else ""
    return f"""<header><h1>{escape(page.host)}</h1>
<p class="soft">{escape(day_title(today))}, {when(page.as_of, page)} {escape(page.zone)}</p></header>
<main>
<div class="verdict {LOOKS[page.level]}"><span class="mark" aria-hidden="true">{MARKS[page.level]}</span>
<div><p>{escape(page.verdict)}</p><p class="soft">{stopped}{counts or "no checks"}</p></div></div>
"""


def _counts(page: Page) -> Iterable[tuple[str, int]]:
    found = [one.status for one in page.checks]
    bad = sum(status in {Status.CRITICAL, Status.WARNING} for status in found)
    return (("good", found.count(Status.OK)), ("bad", bad), ("not known", found.count(Status.UNKNOWN)))


def _section(title: str, inside: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inside}</section>\n" if inside else ""


def _cards(texts: Iterable[str], look: str) -> str:
    return "".join(f'<p class="card {look}">{escape(one)}</p>\n' for one in texts)


def _list(items: Iterable[str]) -> str:
    inside = "".join(f"<li>{one}</li>\n" for one in items)
    return f'<ul class="list">\n{inside}</ul>\n' if inside else ""


def _open(page: Page) -> str:
    """A host on which everything fails still has a page that can be read."""
    more = f'<p class="soft">and {len(page.open) - MOST_OPEN} more: opsagent incidents --open</p>\n'
    cards = "".join(rows.opened(one, page) for one in page.open[:MOST_OPEN])
    return cards + (more if len(page.open) > MOST_OPEN else "")


def _checks(page: Page) -> str:
    if not page.checks:
        return ""
    heads = "".join(f'<th scope="col" role="columnheader">{one}</th>' for one in rows.COLUMNS)
    return f"""<section>
<h2 id="checks">Checks</h2>
<table class="list" role="table" aria-labelledby="checks">
<thead role="rowgroup"><tr role="row">{heads}</tr></thead>
<tbody role="rowgroup">
{"".join(rows.check(one, page) for one in page.checks)}</tbody>
</table>
{rows.KEY}</section>
"""


def _agent(page: Page) -> Iterable[str]:
    armed = sum(check.armed for check in page.checks)
    beat = f"last {when(page.last_heartbeat_at, page)}, one" if page.last_heartbeat_at else "none yet, one"
    yield f"<span>Heartbeat</span><span>{beat} every {spoken(page.heartbeat)}</span>"
    up = f"since {when(page.started_at, page)}" if page.started_at and not page.stopped_at else "stopped"
    yield f"<span>opsagent {escape(page.version)}</span><span>{up}</span>"
    hold = f" · HOLD: {escape(page.hold)}" if page.hold else ""
    yield f"<span>Repairs</span><span>mode {escape(page.mode)}, {armed} of {len(page.checks)} checks armed{hold}</span>"
    yield f"<span>Budget of the host</span><span>{page.budget_left} of {page.budget} repairs left now</span>"


def _foot(page: Page) -> str:
    return f"""<footer class="soft"><p>Written by opsagent at each change, and every {spoken(RENEWED)} without one:
when this page is older than that, nobody looks. Local times are {escape(page.zone)}.</p>
<p>For programs: <a href="{escape(page.links.data)}">{escape(page.links.data)}</a> ·
the day's story: <a href="{escape(page.links.today)}">{escape(page.links.today)}</a></p></footer>
"""
