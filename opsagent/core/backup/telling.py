"""A report of root's run becomes an event, once, and the answer says what is now known."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from opsagent.core import events as ev

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from opsagent.core.commands import ReportBackup

_KINDS: dict[str, Callable[..., ev.Event]] = {
    "run": ev.BackupMade,
    "drill": ev.RestoreDrilled,
    "restore": ev.BackupRestored,
}
WHAT = tuple(_KINDS)


def event_of(report: ReportBackup, now: datetime) -> ev.Event:
    """Return the event of a report. What waited in the spool says itself when it was written."""
    seconds = report.lasted.total_seconds()
    reason = "" if report.good else report.text or "it did not say why"
    made = partial(
        _KINDS[report.what],
        job=report.job,
        began_at=(report.asked_at or now) - report.lasted,
        seconds=seconds,
        reason=reason,
        snapshot=report.snapshot,
        size=report.size,
        files=report.files,
    )
    proof = report.text if report.good else ""
    if report.what == "run":
        return made(added=report.added, sha256=report.sha256)
    return made(proven_by=proof) if report.what == "drill" else made(proven_by=proof, to=report.to, by=report.by)
