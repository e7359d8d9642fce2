"""Facts about backups: made, proven by a rehearsed restore, brought back for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsagent.core.events.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade(Event):
    """A backup of `job` was made, or was not: then `reason` says why. `size` and `added` are bytes."""

    job: str
    began_at: datetime
    seconds: float
    reason: str = ""
    snapshot: str = ""
    size: int = 0
    files: int = 0
    added: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDrilled(Event):
    """A restore was rehearsed. `proven_by` says how it is known to be good, `reason` why it is not."""

    job: str
    began_at: datetime
    seconds: float
    reason: str = ""
    snapshot: str = ""
    size: int = 0
    files: int = 0
    proven_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRestored(Event):
    """Somebody brought a backup back for good, or tried to: then `reason` says why it did not work."""

    job: str
    began_at: datetime
    seconds: float
    to: str
    by: str
    reason: str = ""
    snapshot: str = ""
    size: int = 0
    files: int = 0
    proven_by: str = ""
