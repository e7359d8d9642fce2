"""Following a playbook: its harmless steps one after the other, on a thread of their own, far from any repair."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from opsagent.core import inbox
from opsagent.core.playbook.following import MOST_RUN
from opsagent.core.playbook.grammar import look
from opsagent.core.playbook.look import LogFile, NotAllowedError, Program
from opsagent.core.text import visible
from opsagent.daemon.pool import Pool
from opsagent.host import steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core import events as ev
    from opsagent.core.playbook.section import Step
    from opsagent.core.policy import PlaybookPolicy

log = structlog.get_logger("opsagent")
MOST_WAITING = 10
"""Incidents that wait to have their section followed: with many at once the host has other worries."""


class Following:
    """Runs sections, one at a time, and posts what each step said. `begin` may be called from any thread."""

    def __init__(self, post: Callable[[inbox.Arrival], None]) -> None:
        """`post` takes what the steps said."""
        self._post = post
        self._pool = Pool("playbook", 1)
        self._door = threading.Lock()
        self._waiting = 0

    def begin(self, incident: int, event: ev.PlaybookMatched, policy: PlaybookPolicy) -> None:
        """Run what the event does not leave to a person. With ten that wait already, it is only said."""
        wanted = [(number, step) for number, step in enumerate(event.steps, start=1) if not step.left][:MOST_RUN]
        if not policy.run or not wanted:
            return
        with self._door:
            is_too_much = self._waiting >= MOST_WAITING
            self._waiting += not is_too_much
        if is_too_much:
            said = (f"{len(wanted)} steps were not run: {MOST_WAITING} other incidents wait for theirs",)
            self._post(inbox.EvidenceSeen(incident=incident, source="playbook 0: not run", lines=said))
            return
        self._pool.submit(lambda: self._follow(incident, wanted, frozenset(policy.urls)))

    def _follow(self, incident: int, wanted: list[tuple[int, Step]], urls: frozenset[str]) -> None:
        try:
            for number, step in wanted:
                source = f"playbook {number}: {visible(step.command, 100)}"
                lines = (*said(step.command, urls), *(f"the playbook says: {note}" for note in step.notes))
                self._post(inbox.EvidenceSeen(incident=incident, source=source, lines=lines))
        finally:
            with self._door:
                self._waiting -= 1


def said(command: str, urls: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return what one command says, or why nothing; what is run is what the grammar makes of it, never its text."""
    try:
        wanted = look(command, urls)
        if isinstance(wanted, Program):
            return steps.run(wanted)
        if isinstance(wanted, LogFile):
            return steps.log_lines(wanted)
        from opsagent.checks.wire.loopback import asked  # noqa: PLC0415 - HTTP's library, which few hosts need here

        return steps.shown(asked(wanted, steps.WITHIN))
    except (NotAllowedError, steps.StepError) as error:
        return (f"not run: {error}",)
