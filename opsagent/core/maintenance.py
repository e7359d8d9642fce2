"""Planned windows: when they are open, in their own zone, over clock changes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from opsagent.core.timing import local, resolve

if TYPE_CHECKING:
    from opsagent.core.policy import Maintenance, Policy

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def window_for(policy: Policy, check: str, now: datetime) -> Maintenance | None:
    """Return the window that is open for a check now, the one without repairs first, or None."""
    windows = [w for w in policy.maintenance if ("all" in w.checks or check in w.checks) and is_open(w, now)]
    return next((w for w in windows if w.repairs), windows[0] if windows else None)


def is_open(window: Maintenance, now: datetime) -> bool:
    """Whether now is inside the window: begin included, end not."""
    began = began_at(window, now)
    return began is not None and now < began + window.lasts


def began_at(window: Maintenance, now: datetime) -> datetime | None:
    """Return the window's latest begin that is not after now, or None."""
    if "-" in window.begins:
        once = _once(window)
        return once if once <= now else None
    words = window.begins.split()
    weekday = _DAYS.index(words[0][:3].lower()) if len(words) > 1 else None
    at = time.fromisoformat(words[-1])
    today = local(now, window.zone).date()
    days = [today - timedelta(days=back) for back in range(9)]
    starts = [resolve(datetime.combine(day, at), window.zone) for day in days if weekday in (None, day.weekday())]
    return next((start for start in starts if start <= now), None)


def _once(window: Maintenance) -> datetime:
    moment = datetime.fromisoformat(window.begins)
    return moment if moment.tzinfo else resolve(moment, window.zone)
