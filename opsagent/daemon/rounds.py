"""The rounds: fast loop, paces of single checks, heartbeat. Planned by the wall clock, set anew when it jumps."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.policy import Policy

CONDITIONS = timedelta(seconds=10)


class Rounds:
    """Calls back when a round is due. The callbacks only put work in a queue; a slow round is never stacked."""

    def __init__(
        self, due: Callable[[timedelta], None], beat: Callable[[datetime], None], host: Callable[[], None]
    ) -> None:
        """`due` gets the pace whose checks are to be looked at, `beat` when the heartbeat was planned."""
        self._due = due
        self._beat = beat
        self._host = host
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults, daemon=True)
        self._planned = datetime.now(UTC)
        self._every = timedelta(minutes=30)

    @property
    def next_heartbeat_at(self) -> datetime:
        """When the next heartbeat is planned (UTC)."""
        return self._planned

    def begin(self, policy: Policy, now: datetime) -> None:
        """Plan every round of these settings, the first ones now."""
        self._scheduler.remove_all_jobs()
        self._every = policy.heartbeat
        self._planned = now
        for pace in sorted({check.every for check in policy.checks}):
            self._add(partial(self._due, pace), pace, now, f"pace-{pace.total_seconds()}")
        self._add(self._heartbeat, policy.heartbeat, now, "heartbeat")
        self._add(self._host, CONDITIONS, now, "conditions")
        if not self._scheduler.running:
            self._scheduler.start()

    def begin_again(self, now: datetime) -> None:
        """Set every next run anew: the scheduler would wait out an hour that the clock was set back."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=now)
        self._planned = now

    def end(self) -> None:
        """Stop planning; does not wait."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _heartbeat(self) -> None:
        planned, self._planned = self._planned, datetime.now(UTC) + self._every
        self._beat(planned)

    def _add(self, work: Callable[[], None], every: timedelta, now: datetime, name: str) -> None:
        self._scheduler.add_job(work, "interval", seconds=every.total_seconds(), next_run_time=now, id=name)
