"""Whether there is something to reclaim where the settings say so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.interfaces.doctor.finding import Finding, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.reclaim import Reclaim

CORRECT = "correct reclaim.directories in the settings, then: opsagent install --refresh"


def examine(wanted: Reclaim) -> Iterator[Finding]:
    """Name the directories that would free nothing: those that are not there, and those behind a link."""
    faults = [fault for one in wanted.directories if (fault := _fault(Path(one.path)))]
    yield from (warn("reclaim", fault, CORRECT) for fault in faults)
    if not (faults or wanted.is_empty):
        yield ok("reclaim", "what it may take away is there; try it: systemctl start opsagent-act-reclaim")


def _fault(path: Path) -> str:
    link = next((one for one in (path, *path.parents) if one.is_symlink()), None)
    if link is not None:
        return f"{link} is a link, which is never followed: nothing is freed in {path}"
    try:
        return "" if path.is_dir() else f"there is no directory {path}: nothing is freed there"
    except PermissionError:
        return "" if os.geteuid() else f"{path} cannot be read"
