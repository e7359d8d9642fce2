"""Who sent the signal that ended a unit, as far as the journal knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsagent.core.diagnosis.evidence import Evidence, Line
    from opsagent.core.unit import UnitSnapshot

_SIGNALS = frozenset({"kill", "pkill", "killall", "systemctl", "service", "skill", "slay"})
_ON_REQUEST = re.compile(r"Sent signal \w+ to .{1,80} on client request")
_WORD = re.compile(r"[\w@.:-]+")
_LONGEST = 300


def sender(evidence: Evidence, unit: UnitSnapshot, signal: str) -> str:
    """Say who sent a unit this signal, and how; that it is not known to the journal where it is not."""
    names = _names(evidence, unit)
    for line in reversed(evidence.killers):
        who, how = _by_sudo(line, names) if line.program == "sudo" else _by_daemon(line, names)
        if who:
            return f"{who} sent it {signal}{how}"[:_LONGEST]
    if any(_ON_REQUEST.search(line.text) for line in evidence.log if line.program == "systemd" and line.pid == 1):
        return f"somebody had systemd send it {signal} (systemctl kill); who, the journal does not say"
    return f"somebody sent it {signal}, and not systemd by a stop; who, the journal does not say"


def _names(evidence: Evidence, unit: UnitSnapshot) -> frozenset[str]:
    """Return what a command line would call it by: the unit, its last process, its programs."""
    programs = {line.program for line in evidence.log if line.pid != 1 and line.program != "systemd"}
    pid = {str(unit.exec_main_pid)} if unit.exec_main_pid else set()
    return frozenset({unit.name, unit.name.rpartition(".")[0], *pid, *programs} - {""})


def _by_sudo(line: Line, names: frozenset[str]) -> tuple[str, str]:
    person, _, rest = line.text.strip().partition(" : ")
    command = rest.partition("COMMAND=")[2].strip()
    program, _, arguments = command.partition(" ")
    if program.rpartition("/")[2] not in _SIGNALS or not names & set(_WORD.findall(arguments)):
        return "", ""
    return person, f" by sudo: {command}"


def _by_daemon(line: Line, names: frozenset[str]) -> tuple[str, str]:
    return (line.program, f": {line.text.strip()}") if names & set(_WORD.findall(line.text)) else ("", "")
