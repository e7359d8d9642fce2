"""What became of backups and drills: the record that root's run leaves for everybody to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

KEEP_RUNS = 60
KEEP_DRILLS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt to make a backup. `error` is "" when it is good; times UTC, `size` and `added` in bytes.

    `snapshot` names it for a restore; `sha256` is the hash of a copy, "" where the repository has its own.
    """

    at: datetime
    seconds: float
    error: str = ""
    snapshot: str = ""
    size: int = 0
    files: int = 0
    added: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One rehearsal of a restore. `error` is "" when what came back is what was kept.

    `proof` says how that is known.
    """

    at: datetime
    seconds: float
    error: str = ""
    snapshot: str = ""
    size: int = 0
    files: int = 0
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The latest runs and drills of one job, oldest first."""

    runs: tuple[Run, ...] = ()
    drills: tuple[Drill, ...] = ()

    def with_one(self, done: Run | Drill) -> Record:
        """Return the record with one more run or drill; the oldest go."""
        if isinstance(done, Run):
            return replace(self, runs=(*self.runs, done)[-KEEP_RUNS:])
        return replace(self, drills=(*self.drills, done)[-KEEP_DRILLS:])

    @property
    def last(self) -> Run | None:
        """The latest attempt, good or not."""
        return self.runs[-1] if self.runs else None

    @property
    def good(self) -> tuple[Run, ...]:
        """The runs that made a backup."""
        return tuple(run for run in self.runs if not run.error)

    @property
    def proven(self) -> Drill | None:
        """The latest drill that went well."""
        return next((drill for drill in reversed(self.drills) if not drill.error), None)


def written(record: Record) -> str:
    """Return the record as JSON."""
    body = {"v": 1, "runs": [_plain(run) for run in record.runs], "drills": [_plain(one) for one in record.drills]}
    return json.dumps(body, indent=1) + "\n"


def read(text: str) -> Record:
    """Return the record of a text. ValueError when it is none."""
    try:
        body = json.loads(text)
        runs = tuple(_made(Run, one) for one in body["runs"])
        return Record(runs=runs, drills=tuple(_made(Drill, one) for one in body["drills"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"cannot read this record of backups: {type(error).__name__}: {error}") from error


def _plain(one: Run | Drill) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}


_T = TypeVar("_T", Run, Drill)


def _made(cls: type[_T], body: dict[str, Any]) -> _T:
    """Keys that a newer version writes are left out."""
    known = {field.name for field in fields(cls)}
    values = {key: value for key, value in body.items() if key in known}
    return cls(**{**values, "at": datetime.fromisoformat(body["at"]).astimezone(UTC)})
