"""What a diagnosis may look at: a failure and what was going on around it. Plain values, read elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from opsagent.core.archive.pattern import Said
from opsagent.core.change import Change
from opsagent.core.environment import Listener
from opsagent.core.text import shortened
from opsagent.core.unit import UnitSnapshot

_STAMPED = re.compile(
    r"^\d{4}-\d\d-\d\dT[\d:.]+Z (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: (?P<text>.*)$", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a log: who wrote it and what. `program` is "", `pid` 0 when nobody knows."""

    text: str
    program: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """One file system: how full it is, in bytes and in inodes (0 to 100 each)."""

    path: str
    used: float = 0.0
    inodes: float = 0.0
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another check of ours and what it watches, for "connection refused" to be traced to its owner.

    `host` is the one that it asks, "" for this one.
    """

    check: str
    host: str = ""
    ports: tuple[int, ...] = ()
    is_bad: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A failure and its surroundings.

    `failure_class` and `message` are the failing check's, `timed_out` says that no answer came; `ports` are those
    that the checks of this unit look at. `log` are the last lines of the unit since the failure began, oldest first;
    `kernel` those of the kernel. `systems` are the file systems of the host. `stopped` are processes of the unit that
    a signal stopped; `files` the open files of its main process and their limit. `overload` is why the host is too
    busy, in words, `held` by which limit of its own the unit waits for a processor. `jumped` is by how much the clock
    was set, within the hour before. `changes` are newest first. Times are told in `zone`. `killers`
    are lines of those who send signals to others (sudo, earlyoom), about its end. `owned` are the ports where it
    listened itself when last looked at, `given` numbers in the words of its command that may be ports. `needs` are
    checks of what it needs that are bad. `took` is how many seconds the failing look took, where it was answered,
    `usual` the median of the looks in the week before. `said` are the expressions of the failure archive that were
    found in these lines.
    """

    failure_class: str = ""
    message: str = ""
    timed_out: bool = False
    ports: tuple[int, ...] = ()
    given: tuple[int, ...] = ()
    owned: tuple[int, ...] = ()
    unit: UnitSnapshot | None = None
    log: tuple[Line, ...] = ()
    kernel: tuple[Line, ...] = ()
    listeners: tuple[Listener, ...] = ()
    systems: tuple[FileSystem, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    changes: tuple[Change, ...] = ()
    stopped: tuple[str, ...] = ()
    files: tuple[int, int] | None = None
    overload: str = ""
    held: str = ""
    jumped: timedelta = timedelta()
    zone: str = "UTC"
    killers: tuple[Line, ...] = ()
    needs: tuple[Neighbour, ...] = ()
    took: float | None = None
    usual: float | None = None
    said: tuple[Said, ...] = ()


LOG_ENDS = "; its log ends: "
LOOKED_AT = "; looked at: "
"""Begins what of the sentence that no cause was found is for the record alone."""


def last_words(evidence: Evidence) -> str:
    """Return what the unit itself wrote last, as a half sentence for a person; "" where it wrote nothing."""
    own = next((line.text.strip() for line in reversed(evidence.log) if line.program != "systemd"), "")
    return f"{LOG_ENDS}{shortened(own, 200)}" if own else ""


def looked_at(evidence: Evidence) -> str:
    """Say in a list what there was to look at, for a person to know where nothing was found."""
    unit = evidence.unit
    parts = (
        f"how {unit.name} stands ({unit.active_state}, result {unit.result})" if unit is not None else "",
        _counted(len(evidence.log), "line of its log", "lines of its log"),
        _counted(len(evidence.kernel), "line of the kernel", "lines of the kernel"),
        _counted(len(evidence.listeners), "listening port", "listening ports"),
        _counted(len(evidence.systems), "file system", "file systems"),
        _counted(len(evidence.neighbours), "other check", "other checks"),
        _counted(len(evidence.changes), "change before it", "changes before it"),
    )
    return ", ".join(filter(None, parts)) or "nothing that could be read"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def line_of(text: str) -> Line:
    """Read `time program[pid]: text`, as the journal's lines are kept; anything else is all text."""
    found = _STAMPED.match(text)
    if found is None:
        return Line(text=text)
    return Line(text=found["text"], program=found["program"], pid=int(found["pid"] or 0))
