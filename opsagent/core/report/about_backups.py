"""Entries about backups in the day's file, and the file that says when a restore was last proven and how to do it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.backup.judging import shown
from opsagent.core.report.about_host import host_story
from opsagent.core.report.clock import moment
from opsagent.core.report.entry import Scene, told
from opsagent.core.report.markdown import cell, code, inline
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsagent.core.backup.known import Known
    from opsagent.core.state import State

BACKUPS = (ev.BackupMade, ev.RestoreDrilled)
"""What changes the file of the backups."""
TITLE = "# Backups"
BEGIN, END = "<!-- opsagent:backups -->", "<!-- /opsagent:backups -->"
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}\r?\n.*?^{re.escape(END)}$", re.DOTALL | re.MULTILINE)
HOW = (
    "To bring one back, as root: `opsagent backup list JOB` names what there is; `opsagent backup restore JOB --to "
    "DIRECTORY` puts the latest into an empty directory and proves it there, `--snapshot ID` another one. The drill "
    "rehearses exactly this: `opsagent backup drill JOB`."
)


@host_story.register(ev.BackupMade)
def _(event: ev.BackupMade, scene: Scene) -> str:
    """A backup that was made is no news but the first and the first after one that failed."""
    known = scene.before.backups.get(event.job)
    name = inline(event.job, 64)
    if event.reason:
        return told(f"{scene.when(event.began_at)} **backup {name} failed**", f"**Because** {inline(event.reason)}")
    if known is not None and not known.reason and known.good_at is not None:
        return ""
    again = "made again" if known is not None and known.reason else "made for the first time"
    return told(f"{scene.when(event.began_at)} backup {name} {again} · {shown(event.size)}")


@host_story.register(ev.RestoreDrilled)
def _(event: ev.RestoreDrilled, scene: Scene) -> str:
    name, when = inline(event.job, 64), scene.when(event.began_at)
    if event.reason:
        return told(f"{when} **backup {name} cannot be restored**", f"**Because** {inline(event.reason)}")
    return told(
        f"{when} restore of {name} proven · {shown(event.size)} in {_lasted(event.seconds)}",
        f"**By** {inline(event.proven_by)}",
    )


@host_story.register(ev.BackupRestored)
def _(event: ev.BackupRestored, scene: Scene) -> str:
    name, when = inline(event.job, 64), scene.when(event.began_at)
    if event.reason:
        return told(f"{when} **a restore of {name} failed**", f"**Because** {inline(event.reason)}")
    return told(
        f"{when} {inline(event.by, 40)} restored {name} ({inline(event.snapshot, 40)}) · {shown(event.size)}",
        f"**To** {code(event.to)}",
        f"**Proven by** {inline(event.proven_by)}",
    )


def _lasted(seconds: float) -> str:
    return spoken(timedelta(seconds=seconds))


def backups_part(state: State) -> str:
    """Return what the file says of the backups: how to restore, and when that was last proven."""
    return "\n".join([BEGIN, HOW, "", *_table(state.backups, state.zone), END])


def with_part(found: str, ours: str) -> str:
    """Return the file with our part renewed; what people wrote around it stays as it is."""
    text = found if found.strip() else f"{TITLE}\n\n{ours}\n{found}"
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _: ours, text, count=1)
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end}\n{ours}\n"


def _table(backups: Mapping[str, Known], zone: str) -> list[str]:
    rows = [_row(job, known, zone) for job, known in sorted(backups.items())]
    return ["| backup | last good one | last proven restore | how it was proven |", "|---|---|---|---|", *rows]


def _row(job: str, known: Known, zone: str) -> str:
    good = f"{_when(known.good_at, zone)}, {shown(known.size)}" if known.good_at else "none"
    failed = f"; **failed** {_when(known.tried_at, zone)}: {cell(known.reason, 160)}" if known.reason else ""
    proven = f"{_when(known.proven_at, zone)}, in {_lasted(known.proven_seconds)}" if known.proven_at else "never"
    broken = (
        f"; **failed** {_when(known.drilled_at, zone)}: {cell(known.drill_reason, 160)}" if known.drill_reason else ""
    )
    return f"| {cell(job, 64)} | {good}{failed} | {proven}{broken} | {cell(known.proof, 160)} |"


def _when(at: datetime | None, zone: str) -> str:
    return moment(at, zone) if at is not None else "never"
