"""One instance in a directory of its own, a daemon that only answers, and a log with incidents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from opsagent.core import contract, events
from opsagent.core.asking import Question
from opsagent.core.codec import encode, kind_of
from opsagent.core.commands import Answer, Command
from opsagent.core.log_row import OPENING, IncidentRow, NewRow
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.interfaces import control
from opsagent.interfaces.cli import build
from opsagent.store.eventlog import EventLog

SETTINGS = """\
state: {state}
checks:
  - {{name: api, kind: tcp, host: 127.0.0.1, port: 1, unit: api.service, repair: [restart]}}
  - {{name: ram, kind: memory}}
  - {{name: hostname, kind: file, path: /etc/hostname}}
"""


@dataclass(slots=True)
class Instance:
    """What a test needs of one instance."""

    directory: Path
    settings: Path
    state: Path

    def run(self, *words: str) -> Result:
        """Run one command in this process."""
        return CliRunner().invoke(build([words[0]]), [*words, "--config", str(self.settings)])

    def json(self, *words: str) -> Any:
        """Run one command with --json and read what it says."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def spooled(self) -> list[dict[str, Any]]:
        """Return what waits in the spool."""
        return [json.loads(path.read_text()) for path in sorted((self.state / "spool").glob("*.json"))]


def made(directory: Path) -> Instance:
    """Make an instance in a directory."""
    state, settings = directory / "state", directory / "opsagent.yaml"
    state.mkdir()
    settings.write_text(SETTINGS.format(state=state))
    return Instance(directory=directory, settings=settings, state=state)


@dataclass(slots=True)
class Daemon:
    """Answers with what a test gives it, and keeps what it was asked."""

    answer: Callable[[Command | Question], control.Reply] = lambda _: Answer(accepted=True, text="done")
    asked: list[Command | Question] = field(default_factory=list)

    def __call__(self, request: Command | Question) -> control.Reply:
        self.asked.append(request)
        return self.answer(request)


@dataclass(slots=True)
class Log:
    """Writes incidents into an instance's log as the daemon does."""

    log: EventLog

    def incident(self, check: str = "api", *, at: datetime, unit: str | None = None, closed: bool = False) -> str:
        """Write a whole incident and return its label."""
        label = self.log.next_label(at.date())
        suspected = events.IncidentSuspected(
            key=unit or check, check=check, unit=unit, failure_class="refused", message="refused", first_bad_at=at
        )
        (opened,) = self.log.append([row(suspected, at, OPENING)], at)
        told: list[events.Event] = [
            events.IncidentConfirmed(
                label=label,
                to=Phase.PAGED,
                severity=Severity.SEV2,
                failure_class="refused",
                fingerprint=f"{check}|tcp|refused",
                reason=f"{check}: refused",
                checks=(check,),
            ),
            events.NoteAdded(by="ann", text=f"look at {label}"),
            events.EvidenceGathered(source="journal", lines=("oops, [bold]not markup[/bold]",)),
        ]
        if closed:
            told += [events.IncidentResolved(reason="good again"), events.IncidentClosed()]
        rows = [row(event, at + timedelta(seconds=n), opened.seq) for n, event in enumerate(told, 1)]
        self._record(rows, at, opened.seq)
        return label

    def _record(self, rows: list[NewRow], at: datetime, seq: int) -> None:
        self.log.append(rows, at)
        found = contract.retold([one for one in self.log.replay() if one.incident == seq])
        assert found is not None
        assert found.label is not None
        kept = IncidentRow(
            seq=seq,
            label=found.label,
            key=found.key,
            check=found.check,
            state=found.state.value,
            opened_at=at,
            closed_at=found.closed_at,
            json=contract.incident_json(found),
        )
        self.log.append([], at, incidents=[kept])


def row(event: events.Event, at: datetime, incident: int | None = None) -> NewRow:
    return NewRow(at=at, type=kind_of(event), v=1, data=encode(event), incident=incident)
