"""Facts about what people wrote for the next time: the playbook, the runbooks."""

from __future__ import annotations

from dataclasses import dataclass

from opsagent.core.archive.entry import Entry
from opsagent.core.events.event import Event
from opsagent.core.playbook.section import Runbook, Section, Step
from opsagent.core.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidesRead(Event):
    """The playbook, the runbooks and people's entries of failures were read, and are not as they were; redacted."""

    sections: tuple[Section, ...]
    runbooks: tuple[Runbook, ...]
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookMatched(Event):
    """A section of the playbook speaks of an incident; `reason` says by which words.

    Steps that are not `left` to a person are run beside the repair, and what they said is evidence.
    """

    section: str
    reason: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookDrafted(Event):
    """What ended an incident was written down as a runbook, a file of this `name`, for people to correct."""

    name: str
    fingerprint: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksRead(Event):
    """What the records of earlier incidents and the tickets leave to be done, and it is not as it was; redacted."""

    tasks: tuple[Task, ...]
