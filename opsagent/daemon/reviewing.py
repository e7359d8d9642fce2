"""The daily review of the logs, begun when it is due and done in a process of its own."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core import codec, inbox, review
from opsagent.core.events.logs import LogsReviewed
from opsagent.host import process

if TYPE_CHECKING:
    from opsagent.core.state import State
    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
WITHIN = timedelta(minutes=3)
LARGEST = 1024 * 1024
ASKED_AGAIN = timedelta(minutes=10)
"""A result that could not be recorded in that time is given up: the disk was full, most likely."""


class Reviewer:
    """Begins a review when one is due. For the thread that owns the state."""

    def __init__(self, errands: Errands) -> None:
        """`errands` does the reading."""
        self._errands = errands
        self._begun: tuple[review.Reviews, datetime] | None = None

    def turn(self, settings: Settings, state: State, now: datetime) -> None:
        """Begin the review that is due, once: until it is recorded it stays due."""
        if not review.due(state, settings.policy, now):
            return
        if self._begun is not None and self._begun[0] is state.reviews and abs(now - self._begun[1]) < ASKED_AGAIN:
            return
        self._begun = (state.reviews, now)
        self._errands.begin("review", partial(read, settings, review.since(state, now), now))


def read(settings: Settings, since: datetime, until: datetime) -> inbox.LogsRead:
    """Have the logs reviewed by a child: what it takes in memory must not stay with us."""
    try:
        argv = (sys.executable, "-P", "-m", "opsagent.review.child")
        done = process.run(argv, timeout=WITHIN, stdin=_asked(settings, since, until), keep=LARGEST)
    except process.CannotRunError as error:
        return _failed(since, until, str(error))
    if done.timed_out:
        return _failed(since, until, f"it took longer than {WITHIN.total_seconds():.0f} s")
    found = codec.decode(LogsReviewed.__name__, done.output.decode("utf-8", "replace"))
    if done.code != 0 or not isinstance(found, LogsReviewed):
        said = done.errors.decode("utf-8", "replace").strip().splitlines() or ["it gave no answer"]
        return _failed(since, until, said[-1][:300])
    return inbox.LogsRead(review=found)


def _asked(settings: Settings, since: datetime, until: datetime) -> bytes:
    watched = (getattr(one.check, "file", "") for one in settings.watched if one.policy.kind == "journal")
    asked = {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "directory": str(settings.state / "review"),
        "scope": settings.scope.value,
        "files": list(dict.fromkeys(filter(None, (*settings.policy.review.files, *watched)))),
        "secrets": list(settings.secrets),  # over a pipe: neither argument nor environment
    }
    return json.dumps(asked).encode()


def _failed(since: datetime, until: datetime, why: str) -> inbox.LogsRead:
    log.warning("cannot review the logs", why=why)
    return inbox.LogsRead(review=LogsReviewed(since=since, until=until, trouble=why))
