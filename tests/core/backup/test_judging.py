"""When the backups of a job are good enough, and what is said when they are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.backup.job import Job, Keep, Paths, Sqlite
from opsagent.core.backup.judging import FirstTurn, Wanted, first_turn, judged, shown
from opsagent.core.backup.keeping import kept
from opsagent.core.backup.record import Drill, Record, Run, read, written
from opsagent.core.observation import Status

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
LONG_AGO = FirstTurn(
    since=NOW - timedelta(days=90), due_at=NOW - timedelta(days=89), grace=timedelta(hours=6), zone="Europe/Berlin"
)
WANTED = Wanted(job="app", max_age=timedelta(hours=30), drill_within=timedelta(days=38))


def run(hours: float, **more: object) -> Run:
    return replace(Run(at=NOW - timedelta(hours=hours), seconds=3, snapshot="s", size=100 << 20, files=1), **more)


def drill(days: float, error: str = "") -> Drill:
    return Drill(at=NOW - timedelta(days=days), seconds=3, error=error, proof="" if error else "hash")


GOOD = Record(runs=tuple(run(hours) for hours in (82, 58, 34, 10)), drills=(drill(3),))

STORIES = {
    "dated in the future": (
        GOOD.with_one(run(-50)),
        "warning",
        "dated",
        "app: the last good backup is dated 2 d ahead of this host's clock",
    ),
    "good": (GOOD, "ok", None, "app: 100 MiB kept 10 h ago, restore proven 3 d ago"),
    "none": (
        Record(),
        "critical",
        "absent",
        "there is no backup yet, it was due 2026-08-30 14:00, with 6h of grace; make one as root: opsagent backup run",
    ),
    "failed": (
        GOOD.with_one(run(1, error="disk full")),
        "critical",
        "failed",
        "the backup 1 h ago failed: disk full; the last good one is 10 h old",
    ),
    "never good": (Record(runs=(run(1, error="no disk"),)), "critical", "failed", "no disk; there is no good one"),
    "late": (
        replace(GOOD, runs=(run(31),)),
        "critical",
        "stale",
        "the last good backup is 31 h old, it must be younger than 30 h",
    ),
    "unrestorable": (
        GOOD.with_one(drill(1, "a bit has changed")),
        "critical",
        "unrestorable",
        "cannot be restored, says the drill 24 h ago: a bit has changed; last proven 3 d ago",
    ),
    "small": (
        GOOD.with_one(run(1, size=49 << 20)),
        "warning",
        "size",
        "has 49.0 MiB, usual are 100 MiB: less than 50 % of that",
    ),
    "half is enough": (GOOD.with_one(run(1, size=50 << 20)), "ok", None, "50.0 MiB kept"),
    "nothing usual yet": (
        Record(runs=(run(40), run(20), run(1, size=1)), drills=(drill(1),)),
        "ok",
        None,
        "1 B kept",
    ),
    "proof too old": (
        replace(GOOD, drills=(drill(39),)),
        "warning",
        "unproven",
        "a restore was last proven 39 d ago; rehearse it as root: opsagent backup drill app",
    ),
    "never proven for long": (
        Record(runs=(run(24 * 39), run(1))),
        "warning",
        "unproven",
        "no restore was ever proven",
    ),
    "not proven yet": (Record(runs=(run(1),)), "ok", None, "restore not proven yet"),
    "a late one that failed is told as failed": (
        Record(runs=(run(99), run(50, error="no disk"))),
        "critical",
        "failed",
        "no disk",
    ),
}


@pytest.mark.parametrize(("record", "status", "failure", "words"), STORIES.values(), ids=STORIES)
def test_what_a_record_says(record: Record, status: str, failure: str | None, words: str) -> None:
    reading = judged(record, WANTED, LONG_AGO, NOW)

    assert (reading.status, reading.failure_class) == (status, failure)
    assert words in reading.message
    assert reading.message.startswith("app: ")


def test_where_nobody_wants_drills_nothing_has_to_be_proven() -> None:
    old = Record(runs=(run(24 * 100), run(1)))

    assert judged(old, replace(WANTED, drill_within=None), LONG_AGO, NOW).status is Status.OK


DAILY = Job(name="app", what=Sqlite(database="/a", to="/b"), zone="Europe/Berlin")
WATCHED = NOW - timedelta(hours=1)
"""Fri 12:00 in Berlin: the first turn is due Sat 02:30 there, and missed six hours later."""
TURNS = {
    "before it": (Record(), timedelta(hours=1), None, "app: has not run yet, due Sat 02:30"),
    "on its day": (Record(), timedelta(hours=13), None, "app: has not run yet, due 02:30"),
    "while it may still come": (Record(), timedelta(hours=15), None, "was due 02:30, with 6h of grace"),
    "missed": (Record(), timedelta(hours=20, minutes=30), "absent", "there is no backup yet, it was due 02:30"),
    "failed before it": (Record(runs=(run(-1, error="no disk"),)), timedelta(hours=2), "failed", "no disk"),
    "old ones of another time": (
        replace(GOOD, runs=(run(500),)),
        timedelta(hours=1),
        None,
        "app: 100 MiB kept 20 d ago, restore proven 3 d ago; the next is due Sat 02:30",
    ),
    "old ones, and it was missed": (replace(GOOD, runs=(run(500),)), timedelta(hours=21), "stale", "is 21 d old"),
    "drills of another time": (Record(runs=(run(1),), drills=(drill(99),)), timedelta(), None, "proven 98 d ago"),
    "no drill since then": (
        Record(runs=(run(1), run(-24 * 39))),
        timedelta(days=39),
        "unproven",
        "no restore was ever proven",
    ),
    "no drill, and more runs than are remembered": (
        Record(runs=tuple(run(-24 * 39) for _ in range(60))),
        timedelta(days=39),
        "unproven",
        "no restore was ever proven",
    ),
}


@pytest.mark.parametrize(("record", "later", "failure", "words"), TURNS.values(), ids=TURNS)
def test_nothing_is_late_before_the_first_turn_since_it_is_watched(
    record: Record, later: timedelta, failure: str | None, words: str
) -> None:
    reading = judged(record, WANTED, first_turn(DAILY, WATCHED), WATCHED + later)

    assert reading.failure_class == failure
    assert words in reading.message


def test_the_first_turn_is_the_next_one_of_the_timer() -> None:
    weekly = replace(DAILY, at="Sun 02:30")

    assert first_turn(weekly, NOW).due_at == datetime(2026, 11, 29, 1, 30, tzinfo=UTC)
    assert first_turn(replace(DAILY, every=timedelta(hours=6)), NOW).due_at == NOW + timedelta(hours=6)


def test_a_record_survives_the_way_through_its_file_and_stays_short() -> None:
    record = Record()
    for hours in range(200):
        record = record.with_one(run(200 - hours)).with_one(drill(200 - hours))

    assert read(written(record)) == record
    assert len(record.runs) < 100
    assert record.runs[-1].at == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"runs": [1], "drills": []}', '{"runs": [{"at": "x"}], "drills": []}']
)
def test_what_is_no_record_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read this record"):
        read(text)


def test_keys_of_a_newer_version_are_left_out() -> None:
    text = written(GOOD).replace('"seconds"', '"colour": "blue", "seconds"')

    assert read(text) == GOOD


@pytest.mark.parametrize(
    ("job", "late_after"),
    [
        ({}, timedelta(hours=30)),
        ({"at": "Sun 02:30"}, timedelta(days=8)),
        ({"every": timedelta(hours=1)}, timedelta(hours=2)),
        ({"every": timedelta(hours=12)}, timedelta(hours=15)),
    ],
)
def test_a_backup_is_late_a_quarter_of_its_period_after_it_was_due(
    job: dict[str, object], late_after: timedelta
) -> None:
    assert Job(name="a", what=Sqlite(database="/a", to="/b"), **job).max_age == late_after  # type: ignore[arg-type]


def test_what_is_kept_is_the_newest_of_each_day_week_and_month() -> None:
    every_six_hours = [NOW - timedelta(hours=6 * count) for count in range(4 * 100)]

    staying = sorted(kept(every_six_hours, Keep(last=2, daily=3, weekly=2, monthly=2), "UTC"), reverse=True)

    assert [f"{at:%m-%d %H}" for at in staying] == [
        "11-27 12", "11-27 06", "11-26 18", "11-25 18", "11-22 18", "10-31 18",
    ]  # fmt: skip


@given(
    stamps=st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), min_size=1, max_size=60),  # noqa: DTZ001
    counts=st.tuples(*(st.integers(0, 5) for _ in range(4))),
)
def test_the_newest_always_stays_and_never_more_than_was_asked_for(
    stamps: list[datetime], counts: tuple[int, int, int, int]
) -> None:
    aware = [stamp.replace(tzinfo=UTC) for stamp in stamps]
    last, daily, weekly, monthly = counts

    staying = kept(aware, Keep(last=last, daily=daily, weekly=weekly, monthly=monthly), "Europe/Berlin")

    assert max(aware) in staying
    assert staying <= set(aware)
    assert len(staying) <= max(1, last) + daily + weekly + monthly
    assert kept(staying, Keep(last=last, daily=daily, weekly=weekly, monthly=monthly), "Europe/Berlin") == staying


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"paths": ()}, "cannot back up no paths"),
        ({"paths": ("etc",)}, "cannot use paths 'etc', allowed: a full path"),
        ({"paths": ("/a/../b",)}, "without .."),
        ({"repository": "--password-command=x"}, "cannot use this repository"),
        ({"repository": "rest:https://ann:secret@host/"}, "cannot use a repository with a password in it"),
        ({"password_file": "pw"}, "cannot use password_file 'pw'"),
        ({"read_data": 0}, "cannot use read_data 0"),
    ],
)
def test_a_job_that_could_never_work_is_refused(keys: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"paths": ("/etc",), "repository": "/srv/r", "password_file": "/p"}
    assert Paths(**good)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=words):
        Paths(**{**good, **keys})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (200 << 20, "200 MiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes_are_said_as_people_say_them(size: int, words: str) -> None:
    assert shown(size) == words
