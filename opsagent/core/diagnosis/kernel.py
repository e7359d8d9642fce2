"""What the kernel's own lines say beside a failure: whom it killed for memory, who touched memory not its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsagent.core.diagnosis.finding import Cause, Certainty, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.diagnosis.evidence import Evidence

_FOR_MEMORY = re.compile(r"oom-kill:|Out of memory: Killed process|Memory cgroup out of memory")
_FIELD = re.compile(r"\b(constraint|oom_memcg|task_memcg|task)=([^,\s]*)")
_NO_LIMIT = ("CONSTRAINT_NONE", "CONSTRAINT_MEMORY_POLICY", "CONSTRAINT_CPUSET")
_SEGFAULT = re.compile(r"(?P<program>[^\s\[]+)\[(?P<pid>\d+)\]:? (?:segfault at|trap |general protection)")


def of_memory(evidence: Evidence) -> Iterator[Finding]:
    """Return the processes that the kernel killed for memory: sure where it names the unit's control group."""
    unit = evidence.unit.name if evidence.unit else ""
    for line in reversed(evidence.kernel):
        if not _FOR_MEMORY.search(line.text):
            continue
        fields = dict(_FIELD.findall(line.text))
        if unit and unit in fields.get("task_memcg", "").split("/"):
            who = f"{fields.get('task') or 'a process'} of {unit}"
            because = f"the kernel killed {who} for memory: {_limit(fields, unit)}"
            yield Finding(cause=Cause.OUT_OF_MEMORY, certainty=Certainty.SURE, because=because, seen=line.text)
        else:
            because = f"the kernel killed another process for memory: {line.text.strip()}"
            yield Finding(cause=Cause.OUT_OF_MEMORY, certainty=Certainty.POSSIBLE, because=because, seen=line.text)


def _limit(fields: dict[str, str], unit: str) -> str:
    """Say whose limit it was: the control group's that the kernel names, or the host had none left."""
    group = fields.get("oom_memcg", "").rstrip("/").rpartition("/")[2]
    if fields.get("constraint") in _NO_LIMIT or not group:
        return "the host had none left"
    return "its own limit (MemoryMax=) was reached" if group == unit else f"the limit of {group} was reached"


def of_crash(evidence: Evidence) -> Iterator[Finding]:
    """Return the programs that touched memory that is not theirs: sure where the process wrote in the unit's log."""
    for line in reversed(evidence.kernel):
        crashed = _SEGFAULT.search(line.text)
        if crashed is not None:
            mine = any(one.pid == int(crashed["pid"]) for one in evidence.log)
            certainty = Certainty.SURE if mine else Certainty.POSSIBLE
            because = f"the kernel saw {crashed['program']} touch memory that is not its own"
            yield Finding(cause=Cause.CRASHED, certainty=certainty, because=because, seen=line.text)
