"""How a job stands: judged from what it told of its runs, from its plan, and from what the clock says now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsagent.core import events as ev
from opsagent.core.job import Job, Plan, source_of
from opsagent.core.observation import Reading, Status, ok
from opsagent.core.quantity import spell
from opsagent.core.report.clock import hhmmss, seen_from
from opsagent.core.timing import elapsed, iso, local_date, spoken
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core import commands as cmd
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.state import State

STATES = ("start", "ok", "fail")
MOST_PINGS = 30
"""Pings of one job in a minute that are recorded: its user is not one who may fill the log."""
A_MINUTE = timedelta(minutes=1)
MOST_MISSED = 100
OFTEN = timedelta(hours=1)
A_TENTH = 0.1
LONGEST_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One job at one moment: `word` is `new`, `ok`, `running`, `due`, `late`, `missing`, `failed` or `too_long`.

    The last four are trouble, and a failure class each. `due_at` is when it should begin (or should have begun),
    `until` the moment at which `word` may change without a ping, None: not soon.
    """

    word: str
    message: str
    due_at: datetime
    until: datetime | None = None


BAD = ("late", "missing", "failed", "too_long")


def standing(plan: Plan, job: Job, now: datetime, state: State | None = None) -> Standing:
    """Return how a job stands. `state` tells for how long we were down ourselves: then its user could tell nobody."""
    due = _due(plan, job, state)
    clock = _Clock.of(plan, now)
    if job.started_at is not None:
        return _under_way(plan, job, due, clock, state)
    if now >= due + plan.grace:
        return _overdue(plan, job, due, clock)
    word, message = _between(job, due, clock)
    return Standing(word=word, message=message, due_at=due, until=due if now < due else due + plan.grace)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """Times as they are said of one job: of one that runs every few minutes, to the second."""

    zone: str
    now: datetime
    fine: bool

    @classmethod
    def of(cls, plan: Plan, now: datetime) -> _Clock:
        return cls(zone=plan.said_in, now=now, fine=plan.every is not None and plan.every < OFTEN)

    def when(self, at: datetime) -> str:
        today = local_date(self.now, self.zone)
        if self.fine and local_date(at, self.zone) == today:
            return hhmmss(at, self.zone)
        return seen_from(at, self.zone, today)

    def ago(self, at: datetime) -> str:
        return spoken(max(timedelta(), self.now - at))


def _due(plan: Plan, job: Job, state: State | None) -> datetime:
    begun = max(job.begun_at or job.since, job.since)
    due = plan.following(begun)
    up = state.started_at if state is not None and plan.user else None
    if state is None or up is None or not up - state.missed <= due + plan.grace <= up:
        return due
    return plan.following(up)


def _limit(plan: Plan, job: Job, started: datetime, state: State | None) -> datetime:
    """Return when it runs too long. One whose user may have told us in vain that it ended has until it is due again."""
    due_again = plan.following(max(started, job.since)) + plan.grace
    limit = started + plan.max_runtime if plan.max_runtime else due_again
    up = state.started_at if state is not None and plan.user else None
    if state is None or up is None or not started < up or limit <= up - state.missed:
        return limit
    return plan.following(max(up, job.since)) + plan.grace


def _under_way(plan: Plan, job: Job, due: datetime, clock: _Clock, state: State | None) -> Standing:
    started = job.started_at or clock.now
    limit = _limit(plan, job, started, state)
    since = f"since {clock.when(started)} ({clock.ago(started)})"
    if clock.now >= limit:
        longest = f"longer than max_runtime {spell(plan.max_runtime)}" if plan.max_runtime else "and is due again"
        return Standing(word="too_long", message=f"has been running {since}, {longest}", due_at=due)
    if job.trouble:
        message = f"runs again {since}; before that: {job.said}"
        return Standing(word=job.trouble, message=message, due_at=due, until=limit)
    return Standing(word="running", message=f"runs {since}", due_at=due, until=limit)


def _overdue(plan: Plan, job: Job, due: datetime, clock: _Clock) -> Standing:
    """Late: it should have begun and may still come. Missing: it never came, or a whole run has been left out."""
    missed, following = _missed(plan, due, clock.now)
    when = f"was due {clock.when(due)}, with {spell(plan.grace)} of grace"
    if job.begun_at is None:
        message = f"has never run since it is watched ({clock.when(job.since)}): {when}"
        return Standing(word="missing", message=message, due_at=due, until=following)
    last = _last(job, clock)
    if missed == 1:
        return Standing(word="late", message=f"did not run: {when}; {last}", due_at=due, until=following)
    many = f"{missed} times" if missed < MOST_MISSED else f"more than {MOST_MISSED} times"
    message = f"did not run {many} in a row: the first {when}; {last}"
    return Standing(word="missing", message=message, due_at=due, until=following)


def _missed(plan: Plan, due: datetime, now: datetime) -> tuple[int, datetime | None]:
    """Return how many runs should have begun by now, and when the next one is late; of very many it no longer tells."""
    missed, following = 1, plan.following(due)
    while now >= following + plan.grace and missed < MOST_MISSED:
        missed, following = missed + 1, plan.following(following)
    return missed, following + plan.grace if missed < MOST_MISSED else None


def _between(job: Job, due: datetime, clock: _Clock) -> tuple[str, str]:
    if job.trouble:
        return job.trouble, job.said
    if clock.now >= due:
        return "due", f"is due since {clock.when(due)}; {_last(job, clock)}"
    then = f"due {clock.when(due)}"
    return ("new", f"has not run yet, {then}") if job.begun_at is None else ("ok", f"{_last(job, clock)}; {then}")


def _last(job: Job, clock: _Clock) -> str:
    if job.ended_at is None:
        return "never ended" if job.begun_at is not None else "never ran"
    took = _after(job.seconds)
    return f"last run {'ended well' if job.ok else 'failed'} {clock.when(job.ended_at)}{took}"


def _after(seconds: float | None) -> str:
    return f" after {spoken(timedelta(seconds=seconds))}" if seconds is not None and seconds >= A_TENTH else ""


def reading(at: Standing) -> Reading:
    """Return what the check of a job reads."""
    return reading_of(at.word, at.message)


def reading_of(word: str, message: str) -> Reading:
    """Return the same from its two words; one look is enough, for nothing is measured."""
    if word not in BAD:
        return ok(message)
    return Reading(status=Status.CRITICAL, message=message, failure_class=word, conclusive=True)


def looked_at(world: World) -> dict[str, datetime]:
    """Return when each job is to be looked at sooner than its pace asks: after a ping, and when it becomes late."""
    soon = {}
    for check in world.policy.jobs:
        job, at = world.state.jobs.get(check.name), world.health(check.name).at
        if check.job is None or job is None or at is None:
            continue
        heard = job.heard_at if job.heard_at is not None and job.heard_at >= at else None
        due = heard or standing(check.job, job, at, world.state).until
        if due is not None:
            soon[check.name] = due
    return soon


def unfit(ping: cmd.Ping) -> str:
    """Say why no daemon could take a ping, or ""."""
    if ping.state in STATES:
        return ""
    return f"cannot use {ping.state!r} as the state of a job, allowed: {', '.join(STATES)}"


def pinged(world: World, ping: cmd.Ping) -> tuple[ev.JobPinged | None, str]:
    """Return the event that a ping becomes, or None, and a sentence that says what was made of it."""
    check = world.policy.check(ping.job)
    job = world.state.jobs.get(ping.job)
    if check is None or check.job is None or job is None:
        return (
            None,
            f"cannot find job {ping.job!r}, known: {', '.join(one.name for one in world.policy.jobs) or 'none'}",
        )
    if wrong := unfit(ping):
        return None, wrong
    at = min(ping.asked_at or world.now, world.now)
    if ping.asked_at is not None and job.pings and at < job.pings[-1]:
        return None, f"{ping.job}: what it told later is known already"  # the spool is read in parts
    if len([one for one in job.pings if elapsed(one, at) < A_MINUTE]) >= MOST_PINGS:
        return None, f"cannot take more than {MOST_PINGS} pings of {ping.job} in a minute"
    return _event(world, check.job, job, ping, at), f"{ping.job}: {ping.state} noted"


def _event(world: World, plan: Plan, job: Job, ping: cmd.Ping, at: datetime) -> ev.JobPinged:
    seconds = ping.lasted.total_seconds() if ping.lasted is not None else None
    if seconds is None and ping.state != "start" and job.started_at is not None and ping.run in ("", job.run):
        seconds = max(0.0, (at - job.started_at).total_seconds())
    trouble, said = "", ""
    if ping.state == "fail":
        trouble, said = "failed", _failure(ping, seconds, _Clock.of(plan, at))
    elif ping.state == "start":
        before = standing(plan, job, at, world.state)
        trouble, said = (before.word, before.message) if before.word in BAD else ("", "")
    return ev.JobPinged(
        job=ping.job,
        state=ping.state,
        by=ping.by,
        pinged_at=at,
        run=ping.run,
        seconds=seconds,
        exit_code=ping.exit_code,
        lines=ping.lines,
        trouble=trouble,
        message=job.said if ping.state == "start" and job.trouble == trouble else said,
    )


def _failure(ping: cmd.Ping, seconds: float | None, clock: _Clock) -> str:
    code = f" with exit status {ping.exit_code}" if ping.exit_code else ""
    took = _after(seconds)
    last = next((line for line in reversed(ping.lines) if line.strip()), "")
    return f"failed {clock.when(clock.now)}{code}{took}{f': {last[:LONGEST_WORDS]}' if last else ''}"


def witnessed(world: World) -> list[Draft]:
    """Give the last words of a failed run to its incident, once there is one; then they are no longer the job's."""
    for check in world.policy.jobs:
        job, incident = world.state.jobs.get(check.name), world.state.open_for(check.key)
        if job is not None and job.lines and job.trouble and incident is not None and incident.is_open:
            words = ev.EvidenceGathered(source=source_of(check.name), lines=job.lines)
            return [Draft(event=words, incident=incident.seq)]
    return []


def shown(state: State, policy_jobs: tuple[CheckPolicy, ...], now: datetime) -> list[dict[str, Any]]:
    """Return the jobs as `jobs --json` shows them."""
    return [_shown(check.name, check.job, state, now) for check in policy_jobs if check.job is not None]


def _shown(name: str, plan: Plan, state: State, now: datetime) -> dict[str, Any]:
    job = state.jobs.get(name) or Job(since=now)
    at = standing(plan, job, now, state)
    return {
        "name": name,
        "state": at.word,
        "message": at.message,
        "schedule": plan.spelled(),
        "zone": plan.zone,
        "grace": spell(plan.grace),
        "max_runtime": spell(plan.max_runtime) if plan.max_runtime else None,
        "user": plan.user or None,
        "started_at": _iso(job.begun_at),
        "ended_at": _iso(job.ended_at),
        "ok_at": _iso(job.ok_at),
        "seconds": None if job.seconds is None else round(job.seconds, 3),
        "exit_code": job.exit_code,
        "due_at": iso(at.due_at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
