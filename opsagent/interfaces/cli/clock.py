"""What time it is, and how a moment is written on this screen: local time. JSON keeps UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from opsagent.core.timing import elapsed, spoken


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def shown(stamp: str | None) -> str:
    """Return an ISO 8601 moment as local time: `14:03:07`, with the date when that is not today."""
    if not stamp:
        return "-"
    at, today = datetime.fromisoformat(stamp).astimezone(), now().astimezone().date()
    return at.strftime("%H:%M:%S" if at.date() == today else "%Y-%m-%d %H:%M")


def ago(stamp: str | None) -> str:
    """Return how long ago a moment was, in words: `3 min`."""
    if not stamp:
        return "-"
    moment = datetime.fromisoformat(stamp)
    current = now()
    return spoken(elapsed(moment, current)) if moment <= current else "0 s"


def lasted(begin: str | None, end: str | None) -> str:
    """Return how long something lasted, or has lasted so far (`4 min …`)."""
    if not begin:
        return "-"
    until = datetime.fromisoformat(end) if end else now()
    span = spoken(max(until - datetime.fromisoformat(begin), until - until))
    return span if end else f"{span} …"
