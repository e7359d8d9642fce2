"""The playbook and the runbooks as values: problems as people see them, and what to look at then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from opsagent.core.archive.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check of a section: as it was written, the command in it ("" if none), and what it says of the outcome.

    `left` says why it is left to a person, "" when it may be run.
    """

    text: str
    command: str = ""
    notes: tuple[str, ...] = ()
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One problem as it is seen, and its steps in their order; at least one."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """What is known of one file of `ops/runbooks/`: its name, its title, the kind of failure that it names if it does.

    `is_draft`: its status says that nobody has corrected it yet.
    """

    name: str
    title: str
    fingerprint: str = ""
    is_draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guides:
    """What was read last, the fingerprints for which a runbook was drafted, and when the last ones were (UTC).

    `entries` are those that people keep in the failure archive.
    """

    sections: tuple[Section, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    drafted: tuple[str, ...] = ()
    drafted_at: tuple[datetime, ...] = ()
    entries: tuple[Entry, ...] = ()
