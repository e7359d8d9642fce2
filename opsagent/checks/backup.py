"""Whether there is a backup that can be restored: fresh, of its usual size, whole, and proven."""

from __future__ import annotations

import json
import stat
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from opsagent.checks.artefact.matching import matching
from opsagent.checks.artefact.testing import Tested, TooLongError, test
from opsagent.core.backup.job import Job
from opsagent.core.backup.judging import Wanted, ahead, first_turn, judged, shown, small
from opsagent.core.backup.record import read
from opsagent.core.observation import Measure, Reading, Status, ok, unknown
from opsagent.core.policy import Criticality
from opsagent.core.quantity import within
from opsagent.core.timing import spoken

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
USUAL_AGE = timedelta(hours=26)
SETTLED = timedelta(minutes=2)
"""What was written later than this is perhaps still being written: its content is not judged yet."""
MOST_SIZES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A backup of `backups`, or the file that another program leaves: the newest of those that match a pattern.

    A file is read to its end once: databases of SQLite by `integrity_check`, gzip, bzip2, xz, zstd, zip and tar by
    their own sums, dumps of databases by their last line, and any file by the checksum file beside it. Nothing is
    late before its first turn since it is watched; a file that was never there has `max_age`.

    job: the name of a backup of these settings; or
    path: the file, or a pattern such as `/var/backups/db-*.gz`.
    max_age: longest time since the last good one; default: by the job's own pace, 26h for a file.
    least: percent of the usual size below which it is doubted; 0 never doubts.
    proven_within: longest time since a restore was proven; default: by the job's drills.
    test: false does not read the content of a file.
    timeout: longest time to read it.
    """

    CRITICALITY: ClassVar[Criticality] = Criticality.NORMAL

    job: str = ""
    path: str = ""
    max_age: timedelta | None = None
    least: int = 50
    proven_within: timedelta | None = None
    test: bool = True
    timeout: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        """Refuse at once what could never be true (ValueError)."""
        if bool(self.job) == bool(self.path):
            raise ValueError("cannot look at a backup without either job or path, allowed: one of the two")
        if self.path and not self.path.startswith("/"):
            raise ValueError(f"cannot look at path {self.path!r}: write the full path")
        if self.path and self.proven_within is not None:
            raise ValueError("cannot know of a proven restore of a path, allowed: proven_within with job")
        within("least", self.least, 0, 100)

    def of_job(self, jobs: Mapping[str, Job], records: Path) -> Check | OfJob:
        """Return what looks at the record of the job; a file is looked at by itself."""
        if not self.job:
            return self
        job = jobs[self.job]
        wanted = Wanted(
            job=job.name,
            max_age=self.max_age or job.max_age,
            drill_within=self.proven_within or job.drill_within,
            least=self.least,
        )
        return OfJob(job=job, record=records / job.name / "record.json", wanted=wanted)

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Look at the file; what was read once is read again only when it has changed."""
        now = time.time()
        known = _Known.read(kept, self.path, now)
        try:
            found = [one for one in matching(self.path) if stat.S_ISREG(one[1].st_mode)]
        except OSError as error:
            return unknown(f"cannot look at {self.path}: {error.strerror}"), known.written()
        if not found:
            return self._absent(known, now), known.written()
        return self._judged(found, known, now)

    def _absent(self, known: _Known, now: float) -> Reading:
        """Nothing is late before its first turn; what was there once is gone."""
        watched, longest = timedelta(seconds=now - known.since), self.max_age or USUAL_AGE
        if known.sizes or watched > longest:
            return _critical(f"there is no backup {self.path}", "absent")
        return ok(f"there is no backup {self.path} yet; one must come within {spoken(longest - watched)}")

    def _judged(self, found: list[tuple[str, os.stat_result]], known: _Known, now: float) -> tuple[Reading, str]:
        name, about = found[-1]
        age = timedelta(seconds=max(0.0, now - about.st_mtime))
        told = f"{name} has {shown(about.st_size)} and is {spoken(age)} old"
        measures = (
            Measure(name="age", value=age.total_seconds(), unit="s"),
            Measure(name="size", value=about.st_size, unit="bytes"),
        )
        if said := ahead(timedelta(seconds=about.st_mtime - now)):
            return Reading(status=Status.WARNING, message=f"{name} {said}", failure_class="dated"), known.written()
        if age > (self.max_age or USUAL_AGE):
            late = f"{told}, it must be younger than {spoken(self.max_age or USUAL_AGE)}"
            return _critical(late, "stale", *measures), known.written()
        whole = [one for one in found if now - one[1].st_mtime >= SETTLED.total_seconds()]
        if not whole:
            return ok(f"{told}, perhaps still being written", *measures), known.written()
        return self._content(whole, known, told, measures)

    def _content(
        self, whole: list[tuple[str, os.stat_result]], known: _Known, told: str, measures: tuple[Measure, ...]
    ) -> tuple[Reading, str]:
        name, about = whole[-1]
        identity = f"{name}:{about.st_ino}:{about.st_size}:{about.st_mtime_ns}"
        if about.st_size == 0:
            return _critical(f"{name} is empty", "empty", *measures), known.written()
        earlier = [one[1].st_size for one in whole[:-1]] or [s for i, s in known.sizes if i != identity]
        known = known.with_size(identity, about.st_size)
        try:
            known = (
                known if known.identity == identity or not self.test else known.with_test(identity, self._test(name))
            )
        except TooLongError:
            late = f"cannot test {name} within {spoken(self.timeout)}: raise timeout, or test: false"
            return unknown(late), _Known(path=self.path, since=known.since).written()
        except OSError as error:
            return unknown(f"cannot read {name} to test it: {error.strerror}; or write test: false"), known.written()
        if self.test and known.fault:
            return _critical(f"{name} cannot be restored: {known.fault}", "corrupt", *measures), known.written()
        if doubt := small(about.st_size, earlier, self.least):
            reading = Reading(status=Status.WARNING, message=f"{name} {doubt}", failure_class="size", measures=measures)
            return reading, known.written()
        tested = f", whole by {known.how}" if self.test and known.how else ""
        return ok(f"{told}{tested}", *measures), known.written()

    def _test(self, name: str) -> Tested:
        return test(name, self.timeout * 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfJob:
    """A backup of the settings, by the record that its runs leave."""

    job: Job
    record: Path
    wanted: Wanted

    def observe_since(self, kept: str) -> tuple[Reading, str]:
        """Read what became of the runs and drills; kept is since when they are watched."""
        now = datetime.fromtimestamp(time.time(), UTC)
        turns = f"{self.job.name} {self.job.every or self.job.at}"
        since = _since(kept, turns, now)
        return self._read(since, now), f"{since.isoformat()} {turns}"

    def _read(self, since: datetime, now: datetime) -> Reading:
        try:
            text = self.record.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = '{"runs": [], "drills": []}'
        except OSError as error:
            return unknown(f"cannot read {self.record}: {error.strerror}")
        try:
            found = read(text)
        except ValueError as error:
            return unknown(f"{self.record}: {error}")
        return judged(found, self.wanted, first_turn(self.job, since), now)


def _since(kept: str, turns: str, now: datetime) -> datetime:
    """Return since when these turns are watched: from now on where they were not, or by a clock that was ahead."""
    said, _, known = kept.partition(" ")
    try:
        return min(datetime.fromisoformat(said).astimezone(UTC), now) if known == turns else now
    except (ValueError, OverflowError):
        return now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is kept from look to look: since when (seconds of 1970), sizes by file, what the latest one's test found."""

    path: str
    since: float
    sizes: tuple[tuple[str, int], ...] = ()
    identity: str = ""
    fault: str = ""
    how: str = ""

    @classmethod
    def read(cls, kept: str, path: str, now: float) -> _Known:
        """Return what was kept of a path, nothing where that cannot be read; no clock that was ahead is believed."""
        try:
            body = json.loads(kept)
            sizes = tuple((str(name), int(size)) for name, size in body["sizes"])
            tested = {key: str(body[key]) for key in ("identity", "fault", "how")}
            found = cls(path=body["path"], since=min(float(body["since"]), now), sizes=sizes, **tested)
        except (ValueError, LookupError, TypeError):
            return cls(path=path, since=now)
        return found if found.path == path else cls(path=path, since=now)

    def written(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def with_size(self, identity: str, size: int) -> _Known:
        """Add a file that was not seen before."""
        if any(name == identity for name, _ in self.sizes):
            return self
        sizes = (*self.sizes, (identity, size))[-MOST_SIZES:]
        return replace(self, sizes=sizes)

    def with_test(self, identity: str, tested: Tested) -> _Known:
        """Take what a test found."""
        return replace(self, identity=identity, fault=tested.fault, how=tested.how)


def _critical(message: str, failure_class: str, *measures: Measure) -> Reading:
    return Reading(status=Status.CRITICAL, message=message, failure_class=failure_class, measures=measures)
