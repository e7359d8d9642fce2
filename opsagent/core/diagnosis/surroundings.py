"""What the host itself says beside a failure: disks, memory, processes, the clock, what changed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.change import phrase
from opsagent.core.diagnosis.evidence import last_words
from opsagent.core.diagnosis.finding import Cause, Certainty, Finding
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence, FileSystem

FULL = 99.5
"""Per cent from which a file system takes nothing more of a program that is not root's (ext4 keeps 5 % for root)."""
_TOO_LATE = ("timeout", "watchdog")
"""Results of systemd that say, as a time-out does, that something did not come in time."""
_PATH = re.compile(r"/[\w.@+-]+(?:/[\w.@+-]+)*")
_NEARLY_ALL = 0.95
_MOST_NAMES = 5
_OF_TIME = re.compile(r"not yet valid|expired|clock skew|in the future|timestamp .{0,40}(?:old|ahead)", re.IGNORECASE)


def of_host(evidence: Evidence) -> Iterator[Finding]:
    """Return what the surroundings say, each by itself."""
    for system in evidence.systems:
        yield from _full(system)
    yield from _of_processes(evidence)
    yield from _of_clock(evidence)
    too_late = evidence.timed_out or (evidence.unit is not None and evidence.unit.result in _TOO_LATE)
    if evidence.held:
        certainty = Certainty.LIKELY if evidence.overload else Certainty.SURE
        certainty = certainty if too_late or evidence.failure_class == "latency" else Certainty.POSSIBLE
        because = f"its own limit leaves it too little processor time: {evidence.held}"
        yield Finding(cause=Cause.CPU_LIMIT, certainty=certainty, because=because)
    if evidence.overload:
        certainty = Certainty.LIKELY if too_late else Certainty.POSSIBLE
        yield Finding(cause=Cause.HOST_BUSY, certainty=certainty, because=f"the host is busy: {evidence.overload}")


def _full(system: FileSystem) -> Iterator[Finding]:
    at, certainty = system.path, Certainty.POSSIBLE
    if system.read_only:  # images are always full, and nobody wants to write there
        return
    if system.used >= FULL:
        because = f"{at} is {system.used:.0f} % full"
        yield Finding(cause=Cause.DISK_FULL, certainty=certainty, because=because, path=at)
    if system.inodes >= FULL:
        because = f"{at} has used {system.inodes:.0f} % of its inodes: it takes no new file"
        yield Finding(cause=Cause.INODES_USED_UP, certainty=certainty, because=because, path=at)


def of_file_system(evidence: Evidence, said: Finding) -> Finding | None:
    """Return what is wrong with the file system that a service speaks of when it cannot write.

    By the paths in its words; where it names none, by any that is full. No inodes left is the same to a program.
    """
    if said.cause not in (Cause.DISK_FULL, Cause.READ_ONLY):
        return None
    named = _named(evidence, said)
    if said.cause is Cause.READ_ONLY:
        return next((_read_only(one) for one in named if one.read_only), None)
    return next((finding for one in named or evidence.systems for finding in _full(one)), None)


def boxed(evidence: Evidence, said: Finding) -> Finding:
    """Say that it is the unit's own sandbox that forbids to write, where the host itself may."""
    named = _named(evidence, said)
    if not named or any(one.read_only for one in named):
        return said
    because = f"its own sandbox (ProtectSystem=, ReadOnlyPaths=) bars what the host may write: {said.seen.strip()}"
    return replace(said, because=because)


def _named(evidence: Evidence, said: Finding) -> list[FileSystem]:
    found = (_system_of(path, evidence.systems) for path in _PATH.findall(said.seen))
    return [one for one in found if one is not None]


def _read_only(system: FileSystem) -> Finding:
    because = f"{system.path} is mounted read-only"
    return Finding(cause=Cause.READ_ONLY, certainty=Certainty.POSSIBLE, because=because)


def _system_of(path: str, systems: tuple[FileSystem, ...]) -> FileSystem | None:
    above = [one for one in systems if f"{path}/".startswith(f"{one.path.rstrip('/')}/")]
    return max(above, key=lambda one: len(one.path), default=None)


def _of_processes(evidence: Evidence) -> Iterator[Finding]:
    if evidence.stopped:
        more = len(evidence.stopped) - _MOST_NAMES
        names = ", ".join(evidence.stopped[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        because = f"a signal stopped {names}; SIGCONT would let it go on"
        yield Finding(cause=Cause.FROZEN, certainty=Certainty.SURE, because=because, seen=names)
    if evidence.files is not None and evidence.files[0] >= _NEARLY_ALL * evidence.files[1]:
        used, limit = evidence.files
        because = f"it has {used} of {limit} files open (LimitNOFILE=)"
        yield Finding(cause=Cause.TOO_MANY_OPEN_FILES, certainty=Certainty.LIKELY, because=because)


def _of_clock(evidence: Evidence) -> Iterator[Finding]:
    if evidence.jumped == timedelta():
        return
    words = (*(line.text for line in reversed(evidence.log)), evidence.message)
    said = next((one for one in words if _OF_TIME.search(one)), "")
    way = "ahead" if evidence.jumped > timedelta() else "back"
    because = f"the clock was set {way} by {spoken(abs(evidence.jumped))} before it"
    because += f"; it said: {said.strip()}" if said else ""
    certainty = Certainty.LIKELY if said else Certainty.POSSIBLE
    yield Finding(cause=Cause.CLOCK_JUMP, certainty=certainty, because=because, seen=said)


def of_changes(evidence: Evidence) -> Iterator[Finding]:
    """Return the newest change of the unit's own before the failure; that it broke it is likely, never sure."""
    unit = evidence.unit.name if evidence.unit else None
    own = next((one for one in evidence.changes if one.of(unit) and not one.waits_for(evidence.unit)), None)
    if own is not None:
        because = f"it was changed shortly before: {phrase(own)}{last_words(evidence)}"
        yield Finding(cause=Cause.CHANGED, certainty=Certainty.LIKELY, because=because)
