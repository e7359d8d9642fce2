"""Which stop was asked for, told from PID 1's own lines. Pure.

The stop job is gone before D-Bus can be asked about it, and a service that exits 143 when stopped ends `failed`
like one that crashed; the journal keeps what really happened. Only the line at the end of the job tells a stop
from a restart: its first half is announced as a stop in both cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from opsagent.core.unit import StopSeen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WINDOW = timedelta(seconds=2)


class LineKind(StrEnum):
    """What systemd says of a unit that goes down."""

    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    ENDED = "ended"


# From sd-messages.h; these numbers never change.
MESSAGE_IDS: Mapping[str, LineKind] = {
    "de5b426a63be47a7b6ac3eaac82e2f6f": LineKind.STOPPING,
    "9d1aaa27d60140bd96365438aad20286": LineKind.STOPPED,
    "d9b373ed55a64feb8242e02dbe79a49c": LineKind.FAILED,
    "7ad2d189f7e94e70a38c781354912448": LineKind.ENDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLine:
    """One line of the manager about a unit. `job_type` and `job` (its number) are "" where there is no job."""

    cursor: str
    at: datetime
    unit: str
    kind: LineKind
    job_type: str = ""
    job: str = ""


def stops_among(
    found: Sequence[UnitLine], fresh: Sequence[UnitLine], relations: Mapping[str, Sequence[str]]
) -> tuple[StopSeen, ...]:
    """Return the stops that ended in `fresh`, of units that are keys of `relations`; `found` also has what was before.

    A unit fell with another that it is bound to if that one failed, ended or was stopped from 2 s before its own
    stop began to 2 s after it was over.
    """
    return tuple(
        StopSeen(unit=line.unit, at=line.at, fell_with=_fell_with(line, found, relations[line.unit]))
        for line in fresh
        if line.kind is LineKind.STOPPED and line.job_type == "stop" and line.unit in relations
    )


def _fell_with(stopped: UnitLine, found: Sequence[UnitLine], bound_to: Sequence[str]) -> str:
    began = _began(stopped, found)
    near = (
        line
        for line in found
        if line.unit in bound_to and began - WINDOW <= line.at <= stopped.at + WINDOW and not _restarting(line, found)
    )
    return next((line.unit for line in near), "")


def _began(stopped: UnitLine, found: Sequence[UnitLine]) -> datetime:
    same = (line.at for line in found if line.kind is LineKind.STOPPING and _one_job(line, stopped))
    return next(same, stopped.at)


def _restarting(line: UnitLine, found: Sequence[UnitLine]) -> bool:
    """Does this line belong to a restart that somebody asked for? It begins with `stopping`; systemd's own does not."""
    ends = (other for other in found if other.unit == line.unit and other.job_type == "restart")
    return any(_asked_for(end, found) and _began(end, found) <= line.at <= end.at for end in ends)


def _asked_for(end: UnitLine, found: Sequence[UnitLine]) -> bool:
    return any(line.kind is LineKind.STOPPING and _one_job(line, end) for line in found)


def _one_job(line: UnitLine, other: UnitLine) -> bool:
    return line.unit == other.unit and line.job == other.job


def asked_by(stop: StopSeen, sudo_lines: Sequence[tuple[datetime, str]]) -> str:
    """Return who asked for this stop, as far as sudo wrote it down (`alice : COMMAND=systemctl stop x`)."""
    names = {stop.unit, stop.unit.removesuffix(".service")}
    found = ""
    for at, text in sudo_lines:
        person, _, rest = text.strip().partition(" : ")
        words = set(rest.partition("COMMAND=")[2].split())
        if at <= stop.at and "stop" in words and names & words:
            found = person
    return found
