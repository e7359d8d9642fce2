"""Moments, shares and days of the status page, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

from opsagent.core.observation import Status
from opsagent.core.report.clock import day_title, seen_from
from opsagent.core.timing import iso, local_date, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsagent.core.page.days import DaySeen
    from opsagent.core.page.model import Page

NOTICED = 300.0
"""Seconds of a day that nobody looked, below which it is not mentioned: a restart, an upgrade."""


def when(at: datetime, page: Page) -> str:
    """Return a moment as it is seen from the day of the page, in its zone."""
    return f'<time datetime="{iso(at)}">{escape(seen_from(at, page.zone, local_date(page.as_of, page.zone)))}</time>'


def share(available: float | None) -> str:
    """Return `99.98 %`, rounded down: only what never failed is 100 %."""
    if available is None:
        return "not watched yet"
    return "100 %" if available >= 1 else f"{int(available * 10_000) / 100:.2f} %"


def day(one: DaySeen) -> str:
    """Return `Wed 2026-11-18: critical for 12 min`."""
    return f"{day_title(one.date)}: {how(one)}"


def how(one: DaySeen) -> str:
    """Return how a day was."""
    if not one.watched:
        return "not watched"
    said = (
        f"critical for {_long(one.critical)}" if one.critical else "",
        f"warning for {_long(one.warning)}" if one.warning else "",
        f"not watched for {_long(one.unknown)}" if one.unknown >= NOTICED else "",
    )
    good = [] if one.critical or one.warning else ["good"]
    return ", ".join((*good, *filter(None, said)))


def _long(seconds: float) -> str:
    return spoken(timedelta(seconds=seconds))


def bars(name: str, days: Sequence[DaySeen], available: float | None) -> str:
    """Return in one sentence what the bars of a check show, for whoever cannot see them."""
    troubled = [day(one) for one in days if one.status in {Status.WARNING, Status.CRITICAL}]
    unseen = sum(not one.watched for one in days)
    rest = f"not watched on {unseen} of {len(days)} days" if unseen else ""
    return "; ".join(
        filter(None, (f"{name}, last {len(days)} days: {share(available)} without failure", *troubled, rest))
    )
