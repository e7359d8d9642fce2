"""A database is copied while it is written to, and comes back as it was kept."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from opsagent.backups import running
from opsagent.backups.place import BackupError
from opsagent.core.backup.job import Job, Keep, Sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opsagent.backups.work import Work

    MakeWork = Callable[..., Work]

# Every row says the sum of all before it: a copy that mixes two moments has a row whose sum is wrong.
WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = OFF")
database.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, sum INTEGER, filler TEXT)")
total = 0
for number in range(10**9):
    database.execute("INSERT INTO entry VALUES (?, ?, ?)", (number, total, "x" * 900))
    total += number
    if number == 3000:
        print("under load", flush=True)
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "app").mkdir()
    return Job(name="app", what=Sqlite(database=str(tmp_path / "app/app.db"), to=str(tmp_path / "copies")))


@pytest.fixture
def load(job: Job) -> Iterator[subprocess.Popen[str]]:
    """Somebody who writes without a pause."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, job.what.database], stdout=subprocess.PIPE, text=True)  # type: ignore[union-attr]
    assert writer.stdout is not None
    assert writer.stdout.readline() == "under load\n"
    yield writer
    writer.kill()
    writer.wait()
    writer.stdout.close()


def database(job: Job) -> Path:
    from pathlib import Path  # noqa: PLC0415 - for the type checker's sake it is no import above

    assert isinstance(job.what, Sqlite)
    return Path(job.what.database)


def small(job: Job, rows: int = 10) -> None:
    with contextlib.closing(sqlite3.connect(database(job))) as made, made:
        made.execute('CREATE TABLE "odd ""name""" (a)')
        made.executemany('INSERT INTO "odd ""name""" VALUES (?)', [(number,) for number in range(rows)])


def sums_are_right(path: Path) -> int:
    """Return how many rows there are; every sum must be that of the rows before it."""
    with contextlib.closing(sqlite3.connect(path)) as opened:
        rows = opened.execute("SELECT number, sum FROM entry ORDER BY number").fetchall()
    assert [number for number, _ in rows] == list(range(len(rows)))
    assert all(total == number * (number - 1) // 2 for number, total in rows)
    return len(rows)


def test_a_database_under_load_is_backed_up_and_after_its_ruin_restored_by_the_drills_procedure(
    job: Job, load: subprocess.Popen[str], work: MakeWork
) -> None:
    live = database(job)
    live.chmod(0o640)

    made = running.run(work(job))
    drilled = running.drill(work(job))
    load.kill()
    load.wait()
    with live.open("r+b") as broken:
        broken.seek(4096)
        broken.write(os.urandom(64 * 1024))
    brought = running.restore(work(job), "", live.parent, overwrite=True)

    assert (made.error, drilled.error) == ("", "")
    assert sums_are_right(live) > 3000
    assert drilled.snapshot == brought.snapshot == made.snapshot == "20261127T120000Z"
    assert "integrity_check" in drilled.proof
    assert stat.S_IMODE(live.stat().st_mode) == 0o640
    assert [path.name for path in live.parent.iterdir()] == ["app.db"]


def test_the_load_goes_on_while_it_is_copied_and_progress_is_told(
    job: Job, load: subprocess.Popen[str], work: MakeWork
) -> None:
    said: list[str] = []

    made = running.run(work(job, said=said))

    assert made.error == ""
    assert load.poll() is None
    assert "100 % copied" in said


def test_a_living_database_is_never_replaced_under_somebodys_hands(
    job: Job, load: subprocess.Popen[str], work: MakeWork
) -> None:
    running.run(work(job))
    live = database(job)

    with pytest.raises(BackupError, match=r"cannot restore over .*app.db, which is there: --overwrite"):
        running.restore(work(job), "", live.parent, overwrite=False)
    with pytest.raises(BackupError, match=rf"while it is open, end first: pid {load.pid} \(python"):
        running.restore(work(job), "", live.parent, overwrite=True)


def test_a_copy_that_rotted_is_found_by_the_drill(job: Job, work: MakeWork, tmp_path: Path) -> None:
    small(job)
    running.run(work(job))
    [copy] = (tmp_path / "copies").glob("*.sqlite")
    rotten = bytearray(copy.read_bytes())
    rotten[-1] ^= 1
    copy.write_bytes(rotten)

    drilled = running.drill(work(job))

    assert "is not what it was: its hash has changed" in drilled.error
    assert work(job).place.recorded().drills == (drilled,)
    assert list(work(job).place.private.glob("opsagent-drill-*")) == []


def test_a_database_that_is_broken_gives_no_copy_and_the_good_ones_stay(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    small(job, rows=5000)
    running.run(work(job))
    with database(job).open("r+b") as broken:
        broken.seek(8192)
        broken.write(b"\xff" * 4096)

    failed = running.run(work(job, hours=24))

    assert failed.error.startswith(("integrity_check says", "the database is not whole"))
    assert [path.name for path in sorted((tmp_path / "copies").iterdir())] == [
        "app-20261127T120000Z.sqlite", "app-20261127T120000Z.sqlite.json",
    ]  # fmt: skip
    assert [bool(run.error) for run in work(job).place.recorded().runs] == [False, True]


def test_what_need_not_be_kept_goes_and_nothing_else(job: Job, work: MakeWork, tmp_path: Path) -> None:
    few = replace(job, keep=Keep(last=1, daily=2, weekly=0, monthly=0))
    small(job)
    (tmp_path / "copies").mkdir()
    for name in ("app-20200101T000000Z.sqlite.bak", "appendix-20200101T000000Z.sqlite", "notes"):
        (tmp_path / "copies" / name).touch()

    for hours in (0, 1, 24, 48):
        running.run(work(few, hours=hours))

    assert [one.snapshot for one in running.kept(work(few))] == ["20261128T120000Z", "20261129T120000Z"]
    assert len(list((tmp_path / "copies").iterdir())) == 2 * 2 + 3


def test_a_program_of_ones_own_judges_what_came_back(job: Job, work: MakeWork, tmp_path: Path) -> None:
    small(job)
    running.run(work(job))
    judge = tmp_path / "judge"
    judge.write_text('#!/bin/sh\ntest -s "$2/app.db" && echo seen >&2\nexit $1\n')
    judge.chmod(0o755)

    good = running.drill(work(replace(job, verify=(str(judge), "0"))))
    bad = running.drill(work(replace(job, verify=(str(judge), "1"))))

    assert good.proof.endswith("judge finds it good")
    assert bad.error == f"{judge} does not find it good: seen"


def test_one_that_was_killed_is_recorded_by_the_next_and_two_never_run_at_once(job: Job, work: MakeWork) -> None:
    small(job)
    with work(job).place.locked(), pytest.raises(BackupError, match="another run or drill of app is under way"):
        running.run(work(job))
    (work(job).place.private / "begun").write_text(f"drill {work(job).now.isoformat()}")

    running.run(work(job, hours=1))

    record = work(job).place.recorded()
    assert [drill.error for drill in record.drills] == ["it ended without a word: the host went down, or it was killed"]
    assert [run.error for run in record.runs] == [""]
    assert running.settle(work(job), "timeout") is None


def test_what_a_killed_copy_left_behind_does_not_get_into_the_next_one(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    small(job)
    (tmp_path / "copies").mkdir()
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"copies/.app.new{suffix}").write_bytes(b"\x00half\xff" * 2000)

    made, drilled = running.run(work(job)), running.drill(work(job))

    assert (made.error, drilled.error) == ("", "")
    assert not list((tmp_path / "copies").glob(".app.new*"))


def test_there_must_be_a_database_and_a_backup_of_it(job: Job, work: MakeWork, tmp_path: Path) -> None:
    missing = running.run(work(job))
    nothing = running.drill(work(job))
    with pytest.raises(BackupError, match="cannot find the backup x, there are: none"):
        running.restore(work(job), "x", tmp_path / "back", overwrite=False)

    assert f": {database(job)}: No such file" in missing.error
    assert nothing.error == "cannot find the backup of app, there are: none"


def test_a_restore_follows_no_link_that_the_owner_of_the_directory_has_put_there(
    job: Job, work: MakeWork, tmp_path: Path
) -> None:
    small(job)
    running.run(work(job))
    database(job).unlink()
    others = tmp_path / "shadow"
    others.write_text("root:secret")
    (database(job).parent / ".app.db.new").symlink_to(others)

    running.restore(work(job), "", database(job).parent, overwrite=False)

    assert others.read_text() == "root:secret"
    assert database(job).exists()
    assert not database(job).is_symlink()


@pytest.mark.parametrize("open_one", ["copies", "."], ids=["itself", "one above"])
def test_copies_are_not_kept_where_others_could_put_a_link_in_their_place(
    job: Job, work: MakeWork, tmp_path: Path, open_one: str
) -> None:
    small(job)
    (tmp_path / "copies").mkdir()
    (tmp_path / open_one).chmod(0o777)

    made = running.run(work(job))

    assert made.error.startswith(f"cannot write safely to {tmp_path}/copies: others may change {tmp_path}")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_run_that_breaks_by_a_mistake_is_recorded_by_systemds_word(
    job: Job, work: MakeWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsagent.backups.sqlite.make", lambda _: {}["snapshot_id"])

    with pytest.raises(KeyError):
        running.run(work(job))
    settled = running.settle(work(job), "exit-code")

    assert settled is not None
    assert work(job).place.recorded().runs[-1].error == "it ended without a word: exit-code"


def test_what_another_program_is_at_has_not_ended_without_a_word(job: Job, work: MakeWork) -> None:
    small(job)
    with work(job).place.locked():
        (work(job).place.private / "begun").write_text(f"run {work(job).now.isoformat()}")

        assert running.settle(work(job), "exit-code") is None

    assert work(job).place.recorded().runs == ()
    assert running.settle(work(job), "exit-code") is not None
