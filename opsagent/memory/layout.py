"""Where each record stands below the memory root, in the three layouts: alone, or in a workspace that exists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

# The same in every layout.
LEARNINGS = PurePosixPath(".learnings")
POSTMORTEMS = PurePosixPath("ops/postmortems")
RUNBOOKS = PurePosixPath("ops/runbooks")
REPORTS = PurePosixPath("ops/reports")


class Layout(StrEnum):
    """For whom the files are arranged: for themselves, or for agents that know such a workspace."""

    STANDALONE = "standalone"
    AI_MEMORY = "ai-memory"
    OPENCLAW = "openclaw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The paths of one layout, relative to the root. `day` takes a date.

    `incidents`, `patterns` and `tickets` are folders.

    `heads` says whether a day's file begins with a head, `most` how many bytes such a file may have (None: any):
    an OpenClaw agent is not shown a file of more than 16,384 bytes at all.
    """

    day: str
    archive: PurePosixPath
    playbook: PurePosixPath
    decisions: PurePosixPath
    environment: PurePosixPath
    backups: PurePosixPath
    incidents: PurePosixPath
    patterns: PurePosixPath
    page: PurePosixPath
    tickets: PurePosixPath
    heads: bool = True
    most: int | None = None

    def daily(self, day: date, part: int = 1) -> PurePosixPath:
        """Return the file of a local day; a day that has become too long goes on in part 2, 3 …."""
        name = self.day.format(day)
        return PurePosixPath(name if part == 1 else f"{name.removesuffix('.md')}-{part}.md")


PLACES = {
    Layout.STANDALONE: Places(
        day="daily/{}.md",
        archive=PurePosixPath("failures/failure-archive.md"),
        playbook=PurePosixPath("failures/debugging-notes.md"),
        decisions=PurePosixPath("decisions/ops-decisions.md"),
        environment=PurePosixPath("knowledge/environment.md"),
        backups=PurePosixPath("knowledge/backups.md"),
        incidents=PurePosixPath("incidents"),
        patterns=PurePosixPath("failures/patterns"),
        tickets=PurePosixPath("tickets"),
        page=PurePosixPath("status.html"),
    ),
    Layout.AI_MEMORY: Places(
        day="ai-memory/daily/{}.md",
        archive=PurePosixPath("ai-memory/failures/failure-archive.md"),
        playbook=PurePosixPath("ai-memory/failures/debugging-notes.md"),
        decisions=PurePosixPath("ai-memory/decisions/ops-decisions.md"),
        environment=PurePosixPath("ai-memory/knowledge/environment.md"),
        backups=PurePosixPath("ai-memory/knowledge/backups.md"),
        incidents=PurePosixPath("ai-memory/incidents"),
        patterns=PurePosixPath("ai-memory/failures/patterns"),
        tickets=PurePosixPath("ai-memory/tickets"),
        page=PurePosixPath("ai-memory/status.html"),
        heads=False,
    ),
    Layout.OPENCLAW: Places(
        day="memory/{}-opsagent.md",
        archive=PurePosixPath("memory/ops-failure-archive.md"),
        playbook=PurePosixPath("memory/ops-debugging-notes.md"),
        decisions=PurePosixPath("memory/ops-decisions.md"),
        environment=PurePosixPath("memory/ops-environment.md"),
        backups=PurePosixPath("memory/ops-backups.md"),
        incidents=PurePosixPath("incidents"),
        patterns=PurePosixPath("failures/patterns"),
        tickets=PurePosixPath("tickets"),
        page=PurePosixPath("memory/ops-status.html"),
        most=15_000,
    ),
}
