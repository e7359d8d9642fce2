"""A failure as the archive compares it with its patterns: what failed, how it ended, why, and what was said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence, Line
    from opsagent.core.incident import Incident
    from opsagent.core.unit import UnitSnapshot

_EXITED = 1
"""The code of waitid(2) for a process that ended by itself; 2 and 3 are signals."""
_CODES = {1, 2, 3}
_ENDED = re.compile(r"[Mm]ain process exited, code=(?P<code>exited|killed|dumped), status=(?P<status>[0-9]{1,3})")
_RESULT = re.compile(r"Failed with result '(?P<result>[a-z-]{1,40})'")
SIGNALS = (
    *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM"),
    *("TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF"),
    *("WINCH", "IO", "PWR", "SYS"),
)
"""The signals of Linux by their numbers, from 1 on (signal(7), most processors)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure. `name` is the unit, or the check where it names none; `said` the line that each expression found.

    `cause` is a slug of diagnosis, "" when none is known; `failure_class` is that of the check.
    """

    name: str
    results: frozenset[str] = frozenset()
    exits: frozenset[str] = frozenset()
    cause: str = ""
    failure_class: str = ""
    said: Mapping[str, str] = field(default_factory=dict)


def failure_of(incident: Incident, evidence: Evidence) -> Failure:
    """Return the failure that this evidence shows, with what systemd said of its end in the log: it may live again."""
    ends = [*_of_unit(evidence.unit), *(end for line in evidence.log for end in _of_line(line))]
    return Failure(
        name=incident.unit or incident.check,
        results=frozenset(result for result, _ in ends if result not in ("", "success")),
        exits=frozenset(ended for _, ended in ends if ended),
        cause=incident.cause or "",
        failure_class=incident.failure_class,
        said={one.expression: one.line for one in evidence.said},
    )


def exit_of(code: int, status: int) -> str:
    """Return how a process ended: `1`, `SIGKILL`; "" for one that ended well."""
    if code == _EXITED:
        return str(status) if status else ""
    return f"SIG{SIGNALS[status - 1]}" if 0 < status <= len(SIGNALS) else str(status)


def _of_unit(unit: UnitSnapshot | None) -> Iterator[tuple[str, str]]:
    if unit is not None:
        ended = exit_of(unit.exec_main_code, unit.exec_main_status) if unit.exec_main_code in _CODES else ""
        yield unit.result, ended


def _of_line(line: Line) -> Iterator[tuple[str, str]]:
    """Yield what PID 1 said: any program may call itself systemd, and none but it has that number."""
    if line.program != "systemd" or line.pid != 1:
        return
    if (ended := _ENDED.search(line.text)) is not None:
        code = _EXITED if ended["code"] == "exited" else 2
        yield "", exit_of(code, int(ended["status"]))
    if (result := _RESULT.search(line.text)) is not None:
        yield result["result"], ""
