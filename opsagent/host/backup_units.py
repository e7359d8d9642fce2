"""The text of the units that back up and rehearse restores: root's, at low priority, and fenced in. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core.backup.job import Sqlite
from opsagent.host.unit_files import MARK, SANDBOX, TEMPORARY, paths, quoted, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.core.backup.job import Job

DRILLS = {"monthly": "Sun *-*-1..7 04:30:00", "weekly": "Sun *-*-* 04:30:00"}
"""A Sunday, after the backups of the night; of a month the first."""
# Whoever backs up reads everything, whoever rehearses a restore gives files back to whom they belong.
_RIGHTS = "CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_FSETID"


def texts(job: Job, records: Path, state: Path, program: str) -> dict[str, str]:
    """Return the units of a job by name.

    `records` is where it leaves its record, `state` the daemon's directory, `program` the full path of ours.
    """
    backup, drill = job.units
    found = {
        backup: _service(job, "run", program, _writes(job, records, state)),
        drill: _service(job, "drill", program, _writes(job, records, state)),
        backup.replace(".service", ".timer"): _timer(f"opsagent backup: {job.name}", _pace(job)),
    }
    if job.drill in DRILLS:
        when = [f"OnCalendar={DRILLS[job.drill]} {job.zone}", "Persistent=yes", "RandomizedDelaySec=30min"]
        found[drill.replace(".service", ".timer")] = _timer(f"opsagent restore drill: {job.name}", when)
    return found


def directories(job: Job) -> tuple[str, ...]:
    """Return the directories that must be there before the fence is drawn around them."""
    kept = job.what.to if isinstance(job.what, Sqlite) else job.what.repository
    return tuple(path for path in (kept, job.scratch) if path.startswith("/"))


def _pace(job: Job) -> list[str]:
    if job.every is not None:
        return ["OnActiveSec=5min", f"OnUnitInactiveSec={seconds(job.every)}"]
    day, _, clock = job.at.rpartition(" ")
    return [f"OnCalendar={f'{day} ' if day else ''}*-*-* {clock}:00 {job.zone}", "Persistent=yes"]


def _timer(what: str, when: list[str]) -> str:
    lines = ["[Unit]", f"Description={what}", "", "[Timer]", *when, "AccuracySec=1min"]
    return "\n".join([MARK, *lines, "", "[Install]", "WantedBy=timers.target", ""])


def _service(job: Job, verb: str, program: str, writes: tuple[str, ...]) -> str:
    what = "opsagent backup" if verb == "run" else "opsagent restore drill"
    lines = [
        *("[Unit]", f"Description={what}: {job.name}", "After=network-online.target", ""),
        *("[Service]", "Type=oneshot"),
        f"ExecStart={quoted([program, 'backup', verb, job.name])}",
        # where it was killed, this says so in its place
        f"ExecStopPost=-{quoted([program, 'backup', 'settle', job.name])}",
        f"TimeoutStartSec={seconds(job.timeout * 1.1)}",
        *("Nice=10", "IOSchedulingClass=best-effort", "IOSchedulingPriority=7", "UMask=0077"),
        *("StateDirectory=opsagent-backup", "StateDirectoryMode=0755"),
        f"CapabilityBoundingSet={_RIGHTS}",
        *paths("ReadWritePaths", writes).splitlines(),
        *_fence(job),
        "SystemCallFilter=@system-service",
    ]
    return "\n".join([MARK, *lines, ""])


def _fence(job: Job) -> list[str]:
    """Restored programs may be setuid; and a private /tmp would hide what is backed up from the host's own."""
    named = job.what.paths if not isinstance(job.what, Sqlite) else (job.what.database,)
    shared = any(PurePosixPath(one).is_relative_to(above) for one in (*named, *directories(job)) for above in TEMPORARY)
    left_out = ("RestrictSUIDSGID=", "PrivateTmp=") if shared else ("RestrictSUIDSGID=",)
    opened = paths("ReadWritePaths", TEMPORARY).splitlines() if shared else []
    return [*(line for line in SANDBOX.splitlines() if not line.startswith(left_out)), *opened]


def _writes(job: Job, records: Path, state: Path) -> tuple[str, ...]:
    """A reader of a living database takes part in its locks, which are files beside it."""
    live = (str(PurePosixPath(job.what.database).parent),) if isinstance(job.what, Sqlite) else ()
    return (*live, *directories(job), str(records), str(state / "spool"))
