"""Checks that nobody need look at: jobs tell us themselves, and are judged by what they told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core.job import Job, Plan
from opsagent.core.jobs import reading, standing
from opsagent.core.state import State

if TYPE_CHECKING:
    from opsagent.core.observation import Reading
    from opsagent.settings import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Stands in the place of a job's check: `observe` reads the state as it is at that moment."""

    name: str
    plan: Plan
    state: Callable[[], State]
    now: Callable[[], datetime]

    def observe(self) -> Reading:
        """Judge the job by its pings and by the clock."""
        state, now = self.state(), self.now()
        return reading(standing(self.plan, state.jobs.get(self.name) or Job(since=now), now, state))


def judged(one: Watched, state: Callable[[], State], now: Callable[[], datetime]) -> Watched:
    """Return a job's check so that it can be looked at as any other; any other as it is."""
    plan = one.policy.job
    if plan is None:
        return one
    return replace(one, check=Judged(name=one.policy.name, plan=plan, state=state, now=now))
