"""The status page for programs: `status.json`. Its keys and words are a promise, and are only added to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsagent.core.timing import iso

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.page.days import DaySeen
    from opsagent.core.page.model import CheckShown, NotifierShown, OpenShown, OverShown, Page

VERSION = 1


def text(page: Page) -> str:
    """Return the page as JSON text, a line for each check so that a person finds one too."""
    top = _line(as_dict(replace(page, checks=())))
    checks = ",\n".join(_line(_check(check)) for check in page.checks)
    return f"{top.removesuffix(']}')}\n{checks}\n]}}\n"


def _line(value: Any) -> str:
    # Lone surrogates (undecodable bytes of a log) have no UTF-8, so everything beyond ASCII is escaped.
    return json.dumps(value, ensure_ascii=True)


def as_dict(page: Page) -> dict[str, Any]:
    """Return the page as JSON knows values."""
    return {
        "v": VERSION,
        "host": page.host,
        "as_of": iso(page.as_of),
        "zone": page.zone,
        "level": page.level.value,
        "verdict": page.verdict,
        "daemon": {
            "running": page.stopped_at is None,
            "version": page.version,
            "started_at": _iso(page.started_at),
            "last_heartbeat_at": _iso(page.last_heartbeat_at),
            "heartbeat_seconds": page.heartbeat.total_seconds(),
        },
        "mode": page.mode,
        "hold": page.hold or None,
        "budget": {"left": page.budget_left, "of": page.budget},
        "open_incidents": [_open(one) for one in page.open],
        "over_incidents": [_over(one) for one in page.lately],
        "notifiers": [_notifier(one) for one in page.notifiers],
        "held": list(page.notes),
        "coming": list(page.coming),
        "troubles": list(page.troubles),
        "checks": [_check(one) for one in page.checks],
    }


def _check(one: CheckShown) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "unit": one.unit,
        "status": one.status.value,
        "since": _iso(one.since),
        "message": one.message,
        "armed": one.armed,
        "suppressed_by": one.suppressed_by,
        "available": None if one.available is None else round(one.available, 6),
        "days": [_day(day) for day in one.days],
    }


def _day(day: DaySeen) -> dict[str, Any]:
    seconds = {"ok": day.ok, "warning": day.warning, "critical": day.critical, "unknown": day.unknown}
    return {"date": day.date.isoformat(), **{word: round(length, 1) for word, length in seconds.items()}}


def _open(one: OpenShown) -> dict[str, Any]:
    return {
        "id": one.label,
        "severity": one.severity,
        "check": one.check,
        "unit": one.unit,
        "since": iso(one.since),
        "reason": one.reason,
        "owner": one.owner,
        "needs_you": one.needs_you,
        "suppressed_by": one.suppressed_by,
        "file": one.file,
    }


def _over(one: OverShown) -> dict[str, Any]:
    seconds = None if one.seconds is None else round(one.seconds, 3)
    return {
        "id": one.label,
        "check": one.check,
        "good_at": iso(one.at),
        "healed": one.healed,
        "seconds": seconds,
        "file": one.file,
    }


def _notifier(one: NotifierShown) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "last_success_at": _iso(one.proven_at),
        "waiting": one.waiting,
        "last_error": one.last_error,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
