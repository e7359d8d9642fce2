"""Whether what the backups need is there; how they stand is told by their checks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core.backup.job import Job, Paths
from opsagent.host.process import ENVIRONMENT
from opsagent.host.restic import unfit
from opsagent.interfaces.doctor.finding import Finding, ok, red

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def examine(jobs: Sequence[Job]) -> Iterator[Finding]:
    """Look for restic, and as root at the files of its passwords: others cannot see them, and need not."""
    of_restic = [(job.name, job.what) for job in jobs if isinstance(job.what, Paths)]
    if of_restic and shutil.which("restic", path=ENVIRONMENT["PATH"]) is None:
        names = ", ".join(name for name, _ in of_restic)
        yield red("backups", f"restic is missing, which keeps {names}", "apt-get install restic")
    faults = [(name, unfit(Path(what.password_file))) for name, what in of_restic if os.geteuid() == 0]
    for name, fault in faults:
        if fault:
            yield red("backups", f"{name}: {fault}", "docs/how-to/back-up.md tells how to make it")
    if jobs and not any(fault for _, fault in faults):
        yield ok("backups", f"{len(jobs)} in the settings; how they stand: opsagent backup list")
