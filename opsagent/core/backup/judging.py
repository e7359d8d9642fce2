"""Whether the backups of a job are good enough: made, in time, of their usual size, and proven by a restore."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.backup.record import KEEP_RUNS
from opsagent.core.observation import Measure, Reading, Status, ok
from opsagent.core.quantity import spell
from opsagent.core.report.clock import seen_from
from opsagent.core.timing import local_date, spoken

if TYPE_CHECKING:
    from opsagent.core.backup.job import Job
    from opsagent.core.backup.record import Record, Run

USUAL_OF = 10
"""Earlier backups whose median size is the usual one."""
MOST_AHEAD = timedelta(hours=1)
"""Clocks of two hosts, and of one host that was set, differ by less."""
LEAST_USUAL = 3
"""Fewer than these have no usual size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is good enough: `max_age` of the last good one, `drill_within` of its proof (None: never).

    `least` is the smallest share, in percent of the usual size, that is still believed to be all of it.
    """

    job: str
    max_age: timedelta
    drill_within: timedelta | None
    least: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTurn:
    """A job is watched `since` then: its first turn after that is `due_at`, and missed `grace` later. Times UTC."""

    since: datetime
    due_at: datetime
    grace: timedelta
    zone: str

    def is_missed(self, now: datetime) -> bool:
        """Whether it should have been by now; before that nothing can be late."""
        return now >= self.due_at + self.grace

    def shown(self, now: datetime) -> str:
        """Return when it is due, or was."""
        when = seen_from(self.due_at, self.zone, local_date(now, self.zone))
        return f"due {when}" if now < self.due_at else f"was due {when}, with {spell(self.grace)} of grace"


def first_turn(job: Job, since: datetime) -> FirstTurn:
    """Return the first turn of a job that is watched since then."""
    return FirstTurn(since=since, due_at=job.due_after(since), grace=job.grace, zone=job.zone)


def judged(record: Record, wanted: Wanted, first: FirstTurn, now: datetime) -> Reading:
    """Return what the record of a job says now. What is worst is said first."""
    good = record.good[-1] if record.good else None
    measures = _measures(record, now)
    bad = _no_backup(record, wanted, first, now) or _unrestorable(record, wanted, now)
    if bad:
        return Reading(status=Status.CRITICAL, message=bad[1], failure_class=bad[0], measures=measures, conclusive=True)
    if good is None:
        return ok(f"{wanted.job}: has not run yet, {first.shown(now)}")
    doubt = _dated(good, wanted, now) or _too_small(record, wanted) or _unproven(record, wanted, first, now)
    if doubt:
        return Reading(status=Status.WARNING, message=doubt[1], failure_class=doubt[0], measures=measures)
    return ok(_all_well(record, wanted, first, now), *measures)


def _no_backup(record: Record, wanted: Wanted, first: FirstTurn, now: datetime) -> tuple[str, str] | None:
    good, last = record.good[-1] if record.good else None, record.last
    age = now - good.at if good is not None else None
    if last is not None and last.error:
        rest = f"the last good one is {spoken(age)} old" if age is not None else "there is no good one"
        return "failed", f"{wanted.job}: the backup {spoken(now - last.at)} ago failed: {last.error}; {rest}"
    if not first.is_missed(now):
        return None
    if age is None:
        rest = f"it {first.shown(now)}; make one as root: opsagent backup run {wanted.job}"
        return "absent", f"{wanted.job}: there is no backup yet, {rest}"
    if age > wanted.max_age:
        late = f"the last good backup is {spoken(age)} old, it must be younger than {spoken(wanted.max_age)}"
        return "stale", f"{wanted.job}: {late}"
    return None


def _unrestorable(record: Record, wanted: Wanted, now: datetime) -> tuple[str, str] | None:
    last = record.drills[-1] if record.drills else None
    if last is None or not last.error:
        return None
    proven = record.proven
    rest = f"last proven {spoken(now - proven.at)} ago" if proven is not None else "never proven"
    return "unrestorable", (
        f"{wanted.job}: cannot be restored, says the drill {spoken(now - last.at)} ago: {last.error}; {rest}"
    )


def _dated(good: Run, wanted: Wanted, now: datetime) -> tuple[str, str] | None:
    said = ahead(good.at - now)
    return ("dated", f"{wanted.job}: the last good backup {said}") if said else None


def ahead(by: timedelta) -> str:
    """Say that something is dated in the future, "" when it is not: by such a date it would never be too old."""
    return f"is dated {spoken(by)} ahead of this host's clock: how old it is nobody can say" if by > MOST_AHEAD else ""


def _too_small(record: Record, wanted: Wanted) -> tuple[str, str] | None:
    sizes = [run.size for run in record.good]
    said = small(sizes[-1], sizes[:-1], wanted.least) if sizes else ""
    return ("size", f"{wanted.job}: {said}") if said else None


def small(size: int, earlier: list[int], least: int) -> str:
    """Say that a size is less than `least` percent of the median of earlier ones, "" when it is not."""
    if len(earlier) < LEAST_USUAL:
        return ""
    usual = statistics.median(earlier[-USUAL_OF:])
    if size * 100 >= usual * least:
        return ""
    return f"has {shown(size)}, usual are {shown(int(usual))}: less than {least} % of that"


def _unproven(record: Record, wanted: Wanted, first: FirstTurn, now: datetime) -> tuple[str, str] | None:
    """A drill is waited for since there is something to prove; a long record has forgotten since when."""
    if wanted.drill_within is None:
        return None
    proven = record.proven
    begun = record.good[0].at if len(record.runs) < KEEP_RUNS else first.since
    since = max(proven.at if proven is not None else begun, first.since)
    if now - since <= wanted.drill_within:
        return None
    what = (
        f"a restore was last proven {spoken(now - proven.at)} ago"
        if proven is not None
        else "no restore was ever proven"
    )
    return "unproven", f"{wanted.job}: {what}; rehearse it as root: opsagent backup drill {wanted.job}"


def _all_well(record: Record, wanted: Wanted, first: FirstTurn, now: datetime) -> str:
    run, proven = record.good[-1], record.proven
    restore = f", restore proven {spoken(now - proven.at)} ago" if proven is not None else ", restore not proven yet"
    again = f"; the next is {first.shown(now)}" if now - run.at > wanted.max_age else ""
    return f"{wanted.job}: {shown(run.size)} kept {spoken(now - run.at)} ago{restore}{again}"


def _measures(record: Record, now: datetime) -> tuple[Measure, ...]:
    found = []
    if record.good:
        run = record.good[-1]
        found += [Measure(name="age", value=(now - run.at).total_seconds(), unit="s")]
        found += [Measure(name="size", value=run.size, unit="bytes")]
    if record.proven is not None:
        found += [Measure(name="proof_age", value=(now - record.proven.at).total_seconds(), unit="s")]
    return tuple(found)


def shown(size: int) -> str:
    """Return a number of bytes as people say it: 512 B, 12.3 MiB."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the step of the units
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"  # noqa: PLR2004
        amount /= 1024
    return f"{amount:.1f} TiB"
