"""What may be asked of the running daemon: commands go through its queue, questions are answered from its state."""

from __future__ import annotations

import json
import queue
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core import contract, inbox, jobs, schedule, trust, why
from opsagent.core.asking import (
    ChangesAsked,
    EnvironmentAsked,
    IncidentAsked,
    IncidentsAsked,
    JobsAsked,
    MetricsAsked,
    Question,
    StatusAsked,
    TrustAsked,
    WhyAsked,
)
from opsagent.core.before import before
from opsagent.core.commands import Answer, Command, Ping
from opsagent.core.environment import shown as environment
from opsagent.core.metrics.family import shown
from opsagent.core.orders import find
from opsagent.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from opsagent.agent import Agent
    from opsagent.core.incident import Incident
    from opsagent.core.metrics import Family
    from opsagent.core.policy import CheckPolicy

ANSWER_WITHIN = timedelta(seconds=10)


class Answers:
    """Answers one request at a time, from any thread. State is frozen, so reading it needs no lock."""

    def __init__(
        self,
        agent: Agent,
        post: Callable[[inbox.Arrival], None],
        now: Callable[[], datetime],
        plan: Callable[[], tuple[Mapping[str, datetime], datetime]],
        *,
        log: Path,
        unwritten: Callable[[], Sequence[str]],
        figures: Callable[[], Sequence[Family]],
    ) -> None:
        """`plan` tells when each check and the heartbeat are due by their own pace; `log` is the event log's file.

        `unwritten` tells what cannot be written now, `figures` what is measured of ourselves.
        """
        self._agent = agent
        self._post = post
        self._now = now
        self._plan = plan
        self._log = log
        self._unwritten = unwritten
        self.figures = figures

    def __call__(self, request: Command | Question) -> Answer | Mapping[str, Any] | Sequence[Any]:
        """Return the answer; TimeoutError when the daemon does not come to it in time."""
        match request:
            case Command():
                return self._carried_out(request)
            case WhyAsked(check=check):
                return self._why(check)
            case IncidentsAsked() | ChangesAsked() | IncidentAsked():
                return self._past(request)
            case _:
                return self._standing(request)

    def _past(self, asked: IncidentsAsked | ChangesAsked | IncidentAsked) -> Mapping[str, Any] | Sequence[Any] | Answer:
        match asked:
            case IncidentsAsked():
                return self._incidents(asked)
            case ChangesAsked():
                return self._changes(asked)
            case IncidentAsked(incident=label):
                return self._incident(label)

    def _standing(self, request: Question) -> Answer | Mapping[str, Any] | Sequence[Any]:
        match request:
            case StatusAsked():
                return self.status()
            case MetricsAsked():
                return [shown(family) for family in self.figures()]
            case JobsAsked():
                return jobs.shown(self._agent.state, self._agent.policy.jobs, self._now())
            case TrustAsked():
                return trust.shown(self._agent.state, self._agent.policy)
            case EnvironmentAsked():
                known = self._agent.state.environment
                return environment.shown(known.now, known.at, self._agent.state.units)
            case _:
                return Answer(accepted=False, text=f"cannot answer {type(request).__name__}")

    def jobs(self) -> Sequence[CheckPolicy]:
        """Return the checks that are jobs, by the settings in force."""
        return self._agent.policy.jobs

    def may(self, request: Command | Question, user: str) -> bool:
        """Whether somebody without rights may ask this: a job's own user may ping it."""
        check = self._agent.policy.check(request.job) if isinstance(request, Ping) else None
        return check is not None and check.job is not None and check.job.user == user != ""

    def status(self) -> dict[str, Any]:
        """Return how everything stands, as `status --json` shows it."""
        now = self._now()
        planned, heartbeat = self._plan()
        agent = self._agent
        soon = {**planned, **schedule.hurried(agent.world(now))}
        return contract.status(
            agent.state,
            agent.policy,
            agent.looks,
            now,
            next_at=soon,
            next_heartbeat_at=heartbeat,
            unwritten=self._unwritten(),
        )

    def describe(self, seq: int) -> tuple[str | None, str, str]:
        """Return the label of an incident, its JSON, and its severity, for a message about it."""
        incident = self._agent.state.incident(seq)
        if incident is None:
            return None, "", ""
        parent = self._agent.state.incidents.get(incident.parent or 0)
        seen = before(self._agent.state, incident)
        text = contract.incident_json(incident, parent.label if parent else None, seen)
        return incident.label, text, incident.severity.value if incident.severity else ""

    def _carried_out(self, command: Command) -> Answer:
        reply: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._post(inbox.Asked(command=command, reply=reply.put))
        try:
            return reply.get(timeout=ANSWER_WITHIN.total_seconds())
        except queue.Empty:
            raise TimeoutError("the daemon has not come to it within 10 s; see its journal") from None

    def _why(self, check: str) -> Mapping[str, Any] | Answer:
        now = self._now()
        world = self._agent.world(now)
        planned, _ = self._plan()
        soon = {**planned, **schedule.hurried(world)}
        try:
            return {"lines": list(why.lines(world, check, next_at=soon.get(check)))}
        except ValueError as error:
            return Answer(accepted=False, text=str(error))

    def _incidents(self, asked: IncidentsAsked) -> Sequence[Any]:
        with Reader.open(self._log) as reader:
            rows = reader.incidents(
                since=self._now() - asked.since, open_only=asked.open_only, check=asked.check or None, limit=asked.limit
            )
            return [json.loads(row) for row in rows]

    def _changes(self, asked: ChangesAsked) -> Sequence[Any]:
        with Reader.open(self._log) as reader:
            return contract.changes(reader.newest("ChangeSeen", since=self._now() - asked.since, limit=asked.limit))

    def _incident(self, label: str) -> Mapping[str, Any] | Answer:
        """Return an incident with its story: from the state while it is there, else told again from the log."""
        incident = find(self._agent.world(self._now()), label)
        shown = self._story(incident) if incident is not None else self._retold(label.upper())
        if shown is None:
            return Answer(accepted=False, text=f"cannot find incident {label!r}")
        return {"timeline": shown.pop("timeline"), "incident": shown}

    def _story(self, incident: Incident) -> dict[str, Any]:
        state = self._agent.state
        parent = state.incidents.get(incident.parent or 0)
        return contract.story(incident, parent.label if parent else None, before(state, incident))

    def _retold(self, label: str) -> dict[str, Any] | None:
        """Return what is over as it was listed last: what was seen before it is no longer in the state."""
        with Reader.open(self._log) as reader:
            seq, text = reader.opened_by(label), reader.incident(label)
            told = contract.retold(reader.events(incident=seq)) if seq is not None else None
        return {**json.loads(text), "timeline": contract.story(told)["timeline"]} if told and text else None
