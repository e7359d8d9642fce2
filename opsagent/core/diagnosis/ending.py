"""How a unit ended, in systemd's words: its result, its exit status, its signal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.evidence import last_words
from opsagent.core.diagnosis.exits import BY_CUSTOM, OF_SYSTEMD
from opsagent.core.diagnosis.finding import Cause, Certainty, Finding
from opsagent.core.diagnosis.killers import sender
from opsagent.core.text import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence, Line
    from opsagent.core.unit import UnitSnapshot

_EXITED, _KILLED, _DUMPED = 1, 2, 3
"""The codes of waitid(2) that systemd passes on as ExecMainCode."""
_BY_ITSELF = {4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", 31: "SIGSYS"}
"""Signals that a program brings on itself by a mistake of its own."""
_BY_OTHERS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 15: "SIGTERM"}
_SIGNAL_IS_EXPLAINED = ("oom-kill", "watchdog", "timeout")
"""Results after which the signal that ended it says nothing more: systemd or the kernel sent it."""
_NEEDED = "Dependency failed for "
_TOO_OFTEN = "Start request repeated too quickly"
_ENDED = re.compile(
    r"(?P<which>Main|Control) process exited, code=(?P<code>exited|killed|dumped), status=(?P<status>\d+)"
)
_CODES = {"exited": _EXITED, "killed": _KILLED, "dumped": _DUMPED}


def of_ending(evidence: Evidence) -> Iterator[Finding]:
    """Return what systemd's own words about the end of the unit say."""
    unit = evidence.unit
    if unit is None:
        return
    for one in _endings(evidence, unit):
        killed = one.cause is Cause.KILLED
        yield replace(one, because=sender(evidence, unit, one.because)) if killed else one


def _endings(evidence: Evidence, unit: UnitSnapshot) -> Iterator[Finding]:
    """Return the same; of a signal that others sent only its name."""
    yield from _by_result(unit, evidence.overload)
    if unit.result in _SIGNAL_IS_EXPLAINED:
        return
    more = (_step(evidence, unit), last_words(evidence))
    for line in (one for one in evidence.log if _is_of_manager(one, unit)):
        if _TOO_OFTEN in line.text:
            yield Finding(cause=Cause.START_LIMIT, certainty=Certainty.LIKELY, because=_limit(unit), seen=line.text)
        if line.text.startswith(_NEEDED):
            yield Finding(cause=Cause.DEPENDENCY_DOWN, certainty=Certainty.SURE, because=_lacks(unit), seen=line.text)
        ended = _ENDED.search(line.text)
        if ended is not None:
            code, status = _CODES[ended["code"]], int(ended["status"])
            yield from _by_status(code, status, line.text, more, is_control=ended["which"] == "Control")
    if unit.result in ("exit-code", "signal", "core-dump"):
        yield from _by_status(unit.exec_main_code, unit.exec_main_status, _shown(unit), more, is_control=False)


def _is_of_manager(line: Line, unit: UnitSnapshot) -> bool:
    """Whether systemd said it: any service may call itself so in the journal, and none but the host's has pid 1."""
    return line.program == "systemd" and (line.pid == 1 or unit.scope == "user")


def _by_result(unit: UnitSnapshot, overload: str) -> Iterator[Finding]:
    seen = f"Result={unit.result}"
    if unit.result == "oom-kill":
        because = f"the kernel killed a process of {unit.name} for memory"
        yield Finding(cause=Cause.OUT_OF_MEMORY, certainty=Certainty.SURE, because=because, seen=seen)
    if unit.result == "watchdog":
        because = f"{unit.name} did not sign to systemd in time (WatchdogSec=)"
        certainty = Certainty.LIKELY if overload else Certainty.SURE  # a busy host silences a sound program
        yield Finding(cause=Cause.HANG, certainty=certainty, because=because, seen=seen)
    if unit.result == "start-limit-hit":
        yield Finding(cause=Cause.START_LIMIT, certainty=Certainty.SURE, because=_limit(unit), seen=seen)
    if unit.result == "timeout":
        because = f"{unit.name} was not ready, or did not stop, in the time that its unit file gives it"
        yield Finding(cause=Cause.SLOW_START, certainty=Certainty.LIKELY, because=because, seen=seen)


def _lacks(unit: UnitSnapshot) -> str:
    needed = [one for one in unit.pulls if not one.endswith((".target", ".slice"))]
    return f"systemd did not start {unit.name}: a unit that it needs failed{f' ({some(needed, 3)})' if needed else ''}"


def _limit(unit: UnitSnapshot) -> str:
    return f"{unit.name} was started too often, systemd starts it no more until that is reset"


def _step(evidence: Evidence, unit: UnitSnapshot) -> str:
    """Return what systemd said it could not do for the start, such as `failed to locate executable /srv/app: …`.

    Of a user (`credentials: No such process`) the status says as much, and those words would be cut as a secret.
    """
    begin = f"{unit.name}: Failed to "
    last = next((one.text for one in reversed(evidence.log) if one.text.startswith(begin)), "")
    return f": failed to {last.removeprefix(begin)}" if last and " credentials: " not in last else ""


def _by_status(code: int, status: int, seen: str, more: tuple[str, str], *, is_control: bool) -> Iterator[Finding]:
    """Return what follows from a status; `more` is what systemd could not do, and what the unit itself said last."""
    step, said = more
    if code == _EXITED and status in OF_SYSTEMD:
        cause, words = OF_SYSTEMD[status]
        because = f"systemd could not start it: {words} (exit status {status}){step}"
        yield Finding(cause=cause, certainty=Certainty.SURE, because=because, seen=seen)
    elif code == _EXITED and status in BY_CUSTOM:
        cause, words = BY_CUSTOM[status]
        because = f"it ended with exit status {status}, by custom: {words}{said}"
        yield Finding(cause=cause, certainty=Certainty.LIKELY, because=because, seen=seen)
    elif code == _EXITED and status and is_control:
        because = f"a command that runs before or beside it (ExecStartPre= and the like) ended with {status}"
        yield Finding(cause=Cause.BAD_CONFIGURATION, certainty=Certainty.POSSIBLE, because=because, seen=seen)
    elif code == _DUMPED or (code == _KILLED and status in _BY_ITSELF):
        because = f"it crashed by {_BY_ITSELF.get(status, f'signal {status}')}, a mistake of its own program"
        yield Finding(cause=Cause.CRASHED, certainty=Certainty.SURE, because=because, seen=seen)
    elif code == _KILLED and status in _BY_OTHERS:
        yield Finding(cause=Cause.KILLED, certainty=Certainty.LIKELY, because=_BY_OTHERS[status], seen=seen)


def _shown(unit: UnitSnapshot) -> str:
    return f"Result={unit.result}, ExecMainCode={unit.exec_main_code}, ExecMainStatus={unit.exec_main_status}"
