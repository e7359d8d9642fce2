"""A job that runs by itself now and then: when it should, and what it told of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.cron import next_after, parse
from opsagent.core.quantity import spell

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a job begins (`every` so often, or by a line of `cron` in `zone`), and how patient we are.

    `grace` is how much later it may begin. `max_runtime` is the longest that one run may take; None: until it is due
    again. Times are said in `said_in`, like all others on a screen. `user` may ping it although not in the group;
    `uuid` is the key of its own ping URL.
    """

    every: timedelta | None = None
    cron: str = ""
    zone: str = "UTC"
    said_in: str = "UTC"
    grace: timedelta = timedelta(minutes=10)
    max_runtime: timedelta | None = None
    user: str = ""
    uuid: str = ""

    def spelled(self) -> str:
        """Return when it begins, as people write it."""
        return self.cron if self.every is None else f"every {spell(self.every)}"

    def key(self) -> str:
        """Return the same with its zone: what is known of a job counts as long as this does not change."""
        return self.spelled() if self.every is not None else f"{self.cron} {self.zone}"

    def following(self, at: datetime) -> datetime:
        """Return when it is due next after it began at `at` (UTC)."""
        return next_after(parse(self.cron), at, self.zone) if self.every is None else at + self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWatched:
    """A job of the settings, with its plan in words: one whose plan changed begins anew."""

    name: str
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job, all times UTC.

    It is watched by this plan `since` then. `begun_at` is when its last run began, `started_at` that of one that has
    not ended; `run` is that run's own id. `ok` is how the last one ended, with `seconds` and `exit_code` where known.
    `trouble` and `said` stand from a failure on, or from a beginning that came too late, until the next good end.
    `lines` are the last words of a failed run until its incident has them. `heard_at` is when we last heard of it,
    `pings` are the times of its latest pings, as it told them.
    """

    since: datetime
    plan: str = ""
    begun_at: datetime | None = None
    started_at: datetime | None = None
    run: str = ""
    ended_at: datetime | None = None
    ok: bool | None = None
    ok_at: datetime | None = None
    seconds: float | None = None
    exit_code: int | None = None
    trouble: str = ""
    said: str = ""
    lines: tuple[str, ...] = ()
    heard_at: datetime | None = None
    pings: tuple[datetime, ...] = ()


def kept(jobs: Mapping[str, Job], watched: tuple[JobWatched, ...], at: datetime) -> dict[str, Job]:
    """Return the jobs of new settings: what is known of them, anew from `at` where the plan is another."""
    return {one.name: _kept(jobs.get(one.name), one, at) for one in watched}


def _kept(known: Job | None, watched: JobWatched, at: datetime) -> Job:
    return known if known is not None and known.plan == watched.plan else Job(since=at, plan=watched.plan)


def source_of(name: str) -> str:
    """Return what the last words of a failed run are called where they are kept as evidence."""
    return f"output of job {name}"
