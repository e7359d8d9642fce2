"""Who owns an incident, where its repair stands, and what an action came to: closed lists of words."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Who owns the incident."""

    SUSPECT = "suspect"
    REPAIRING = "repairing"
    PAGED = "paged"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    CLOSED = "closed"


OPEN = frozenset({Phase.REPAIRING, Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.VERIFYING})


class Repair(StrEnum):
    """Where the repair of an incident stands, whoever owns it."""

    IDLE = "idle"
    WAITING = "waiting"
    RUNNING = "running"
    VERIFYING = "verifying"
    EXHAUSTED = "exhausted"
    HELD = "held"


# Reasons for which nobody is paged. `hold` is not one of them: it stops hands, not pages.
SILENT = frozenset({"maintenance", "pause", "parent", "flapping", "operator_stop"})


class Outcome(StrEnum):
    """What an action came to."""

    RUNNING = "running"
    VERIFIED = "verified"
    FAILED = "failed"
    RELAPSED = "relapsed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
