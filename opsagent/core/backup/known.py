"""What the log knows of each backup: the last good one, the last attempt, the last proven restore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One job. Times UTC, `size` in bytes; `reason` is why the last attempt failed, "" when it did not."""

    tried_at: datetime | None = None
    reason: str = ""
    good_at: datetime | None = None
    snapshot: str = ""
    size: int = 0
    drilled_at: datetime | None = None
    drill_reason: str = ""
    proven_at: datetime | None = None
    proven_seconds: float = 0.0
    proof: str = ""
