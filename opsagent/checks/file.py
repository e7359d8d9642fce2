"""Whether a file is there, fresh and of a sensible size: the last backup, a stamp that a job leaves behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from opsagent.checks.artefact.matching import matching
from opsagent.core.observation import Measure, Reading, Status, ok, unknown
from opsagent.core.quantity import Bytes, in_order, spell


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A file, or the newest of those that match a pattern.

    path: the file, or a pattern such as `/var/backups/db-*.gz`.
    exists: false when the file must not be there.
    max_age: longest time since it was last written.
    min_size: fewest bytes it must have.
    max_size: most bytes it may have.
    """

    path: str
    exists: bool = True
    max_age: timedelta | None = None
    min_size: Bytes | None = None
    max_size: Bytes | None = None

    def __post_init__(self) -> None:
        """Refuse at once what could never be true (ValueError)."""
        if not self.path.startswith("/"):
            raise ValueError(f"cannot look at path {self.path!r}: write the full path")
        in_order(("min_size", self.min_size), ("max_size", self.max_size))

    def observe(self) -> Reading:
        """Ask the file system about the file; its content is not read."""
        try:
            found = next(reversed(matching(self.path)), None)
        except OSError as error:
            return unknown(f"cannot look at {self.path}: {error.strerror}")
        if found is None and self.exists:
            return _critical(f"{self.path} does not exist", "exists")
        if found is None:
            return ok(f"{self.path} does not exist, as it should be")
        name, about = found
        if not self.exists:
            return _critical(f"{name} exists and should not", "exists")
        return self._graded(name, age=max(0.0, time.time() - about.st_mtime), size=about.st_size)

    def _graded(self, name: str, *, age: float, size: int) -> Reading:
        measures = (Measure(name="age", value=age, unit="s"), Measure(name="size", value=size, unit="bytes"))
        told = f"{name} was written {_ago(age)} ago and has {size} bytes"
        if self.max_age is not None and age > self.max_age.total_seconds():
            return _critical(f"{told}, it must be younger than {spell(self.max_age)}", "stale", *measures)
        if self.min_size is not None and size < self.min_size:
            return _critical(f"{told}, it must have at least {self.min_size}", "size", *measures)
        if self.max_size is not None and size > self.max_size:
            return _critical(f"{told}, it must have at most {self.max_size}", "size", *measures)
        return ok(told, *measures)


def _ago(seconds: float) -> str:
    return spell(timedelta(seconds=int(seconds)))


def _critical(message: str, failure_class: str, *measures: Measure) -> Reading:
    return Reading(status=Status.CRITICAL, message=message, failure_class=failure_class, measures=measures)
