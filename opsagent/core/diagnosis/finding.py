"""What may be behind a failure: one cause, how sure it is, and what says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Certainty(IntEnum):
    """How far the evidence goes. A later one is surer."""

    POSSIBLE = 1
    LIKELY = 2
    SURE = 3


class Cause(StrEnum):
    """The causes that are known by name, what explains the others first: of two equally sure ones the first is told."""

    DISK_FULL = "disk-full"
    INODES_USED_UP = "inodes-used-up"
    READ_ONLY = "read-only"
    OUT_OF_MEMORY = "out-of-memory"
    PORT_TAKEN = "port-taken"
    TOO_MANY_OPEN_FILES = "too-many-open-files"
    CANNOT_RUN = "cannot-run"
    UNKNOWN_USER = "unknown-user"
    SANDBOX = "sandbox"
    BAD_CONFIGURATION = "bad-configuration"
    CLOCK_JUMP = "clock-jump"
    CERTIFICATE_EXPIRED = "certificate-expired"
    DNS = "dns"
    DEPENDENCY_DOWN = "dependency-down"
    PERMISSION_DENIED = "permission-denied"
    MISSING_FILE = "missing-file"
    CRASHED = "crashed"
    KILLED = "killed"
    FROZEN = "frozen"
    HOST_BUSY = "host-busy"
    CPU_LIMIT = "cpu-limit"
    CHANGED = "changed"
    SLOW_START = "slow-start"
    HANG = "hang"
    SLOW = "slow"
    START_LIMIT = "start-limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause. `because` is the sentence a person reads, `seen` the line or fact that says so, word for word.

    `port` is the one that is taken or does not answer, `path` where a disk is full, `owner` our check of what is needed
    and is bad: by these it is seen when the cause is gone.
    """

    cause: Cause
    certainty: Certainty
    because: str
    seen: str = ""
    port: int = 0
    path: str = ""
    owner: str = ""


def ranked(found: list[Finding]) -> tuple[Finding, ...]:
    """Return each cause once, the surest first; of equally sure ones what explains the others."""
    order = list(Cause)
    best: dict[Cause, Finding] = {}
    for one in sorted(found, key=lambda one: (-one.certainty, order.index(one.cause))):
        best.setdefault(one.cause, one)
    return tuple(best.values())
