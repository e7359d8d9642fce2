"""Backups that other programs leave are looked at by their files: fresh, of their usual size, whole."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import sqlite3
import tarfile
import time
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from opsagent.checks.artefact.testing import TooLongError, test
from opsagent.checks.backup import Check, OfJob
from opsagent.core.backup.job import Job, Sqlite
from opsagent.core.backup.record import Record, Run, written
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOISE = os.urandom(60_000)
WITHIN = timedelta(seconds=20)
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DUMP = b"-- PostgreSQL database dump\n--\n" + NOISE.hex().encode() + b"\n-- PostgreSQL database dump complete\n--\n"


def sqlite_file(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as made, made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE t (a)")
        made.execute("CREATE INDEX i ON t (a)")
        made.executemany("INSERT INTO t VALUES (?)", [(os.urandom(60),) for _ in range(2000)])


def tar_bytes() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for number in range(3):
            member = tarfile.TarInfo(f"file-{number}")
            member.size = len(NOISE)
            archive.addfile(member, io.BytesIO(NOISE))
    return packed.getvalue()


def zip_file(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", NOISE)


FORMATS: dict[str, tuple[Callable[[Path], object], str]] = {
    "sqlite": (sqlite_file, "integrity_check"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(NOISE)), "gzip"),
    "bzip2": (lambda path: path.write_bytes(bz2.compress(NOISE)), "bzip2"),
    "xz": (lambda path: path.write_bytes(lzma.compress(NOISE)), "xz"),
    "zip": (zip_file, "zip"),
    "tar": (lambda path: path.write_bytes(tar_bytes()), "tar"),
    "tar.gz": (lambda path: path.write_bytes(gzip.compress(tar_bytes())), "gzip"),
    "dump": (lambda path: path.write_bytes(DUMP), "its last line"),
    "dump.gz": (lambda path: path.write_bytes(gzip.compress(DUMP)), "gzip"),
}


def aged(path: Path, seconds: float = 3600) -> Path:
    os.utime(path, (time.time() - seconds,) * 2)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file_is_whole_and_one_that_was_cut_off_is_not(tmp_path: Path, name: str) -> None:
    make, how = FORMATS[name]
    path = tmp_path / name
    make(path)
    assert (test(str(path), WITHIN).fault, test(str(path), WITHIN).how) == ("", how)

    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])

    assert test(str(path), WITHIN).fault


@pytest.mark.parametrize("name", ["sqlite", "gzip", "bzip2", "xz", "zip"])
def test_a_byte_that_changed_is_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    FORMATS[name][0](path)
    rotten = bytearray(path.read_bytes())
    place = 4096 if name == "sqlite" else len(rotten) // 2
    rotten[place : place + 8] = bytes(byte ^ 0xFF for byte in rotten[place : place + 8])
    path.write_bytes(rotten)

    assert test(str(path), WITHIN).fault


@pytest.mark.parametrize("inside", ["tar", "dump"])
def test_what_was_cut_off_before_it_was_packed_is_found_too(tmp_path: Path, inside: str) -> None:
    whole = tar_bytes() if inside == "tar" else DUMP
    (tmp_path / "a.gz").write_bytes(gzip.compress(whole[: len(whole) // 2]))

    assert test(str(tmp_path / "a.gz"), WITHIN).fault.startswith("gzip is broken: ")


def test_the_checksum_beside_it_speaks_for_any_file(tmp_path: Path) -> None:
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(NOISE)
    good = hashlib.sha256(NOISE).hexdigest()
    (tmp_path / "a.bin.sha256").write_text(f"{good}  a.bin\n")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  other\n{'f' * 64} *b.bin\n")

    assert (test(str(tmp_path / "a.bin"), WITHIN).fault, test(str(tmp_path / "a.bin"), WITHIN).how) == ("", "sha256")
    assert test(str(tmp_path / "b.bin"), WITHIN).fault == "does not fit its checksum in SHA256SUMS"


@pytest.mark.parametrize("name", ["sqlite", "tar", "gzip", "zip"])
def test_what_cannot_be_read_in_time_is_no_verdict(tmp_path: Path, name: str) -> None:
    FORMATS[name][0](tmp_path / "a")
    (tmp_path / "a.sha256").write_text("0" * 64)

    with pytest.raises(TooLongError):
        test(str(tmp_path / "a"), timedelta(seconds=-1))


def test_the_newest_of_several_is_judged_and_a_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "db-1").write_bytes(gzip.compress(NOISE)[:-9])
    aged(tmp_path / "db-1", 90_000)
    sqlite_file(tmp_path / "db-2")
    aged(tmp_path / "db-2")

    reading, _ = Check(path=f"{tmp_path}/db-*").observe_since("")

    assert reading.status is Status.OK
    assert f"{tmp_path}/db-2" in reading.message
    assert "whole by integrity_check" in reading.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db-1", "db-2"]


STORIES: dict[str, tuple[Callable[[Path], object], str, str | None, str]] = {
    "none yet": (lambda folder: None, "ok", None, "yet; one must come within 26 h"),
    "late": (lambda f: aged(_written(f, "db-1"), 27 * 3600), "critical", "stale", "it must be younger than 26 h"),
    "empty": (lambda f: aged(_written(f, "db-1", b"")), "critical", "empty", "is empty"),
    "corrupt": (
        lambda f: aged(_written(f, "db-1", gzip.compress(NOISE)[:-9])),
        "critical",
        "corrupt",
        "cannot be restored: gzip is broken",
    ),
    "small": (
        lambda f: [aged(_written(f, f"db-{n}", NOISE if n else NOISE[:99]), 3600 * (n + 1)) for n in range(5)],
        "warning",
        "size",
        "usual are 58.6 KiB",
    ),
    "still being written": (
        lambda f: _written(f, "db-1", gzip.compress(NOISE)[:-9]),
        "ok",
        None,
        "perhaps still being written",
    ),
}


def _written(folder: Path, name: str, content: bytes = NOISE) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(("make", "status", "failure", "words"), STORIES.values(), ids=STORIES)
def test_what_is_said_of_a_file(
    tmp_path: Path, make: Callable[[Path], object], status: str, failure: str | None, words: str
) -> None:
    make(tmp_path)

    reading, _ = Check(path=f"{tmp_path}/db-*").observe_since("")

    assert (reading.status, reading.failure_class) == (status, failure)
    assert words in reading.message


def test_a_file_is_read_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    path = aged(_written(tmp_path, "db", gzip.compress(NOISE)))
    check = Check(path=str(path))
    _, kept = check.observe_since("")
    before = path.stat()
    rotten = bytearray(path.read_bytes())
    rotten[-1] ^= 1
    path.write_bytes(rotten)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    unread, kept = check.observe_since(kept)
    aged(path, 1800)
    read, kept = check.observe_since(kept)
    again, _ = check.observe_since(kept)

    assert [one.status for one in (unread, read, again)] == ["ok", "critical", "critical"]


def test_one_path_learns_its_usual_size(tmp_path: Path) -> None:
    kept = ""
    for number in range(5):
        path = aged(_written(tmp_path, "db", NOISE + bytes(number)), 3600 - number)
        reading, kept = Check(path=str(path)).observe_since(kept)
        assert reading.status is Status.OK
    aged(_written(tmp_path, "db", NOISE[:1000]), 600)

    reading, _ = Check(path=str(path)).observe_since(kept)

    assert (reading.status, reading.failure_class) == (Status.WARNING, "size")


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"sizes": 3}'])
def test_lost_or_spoilt_notes_do_no_harm(tmp_path: Path, kept: str) -> None:
    path = aged(_written(tmp_path, "db"))

    assert Check(path=str(path)).observe_since(kept)[0].status is Status.OK


@pytest.mark.parametrize(
    "keys", [{}, {"job": "a", "path": "/b"}, {"path": "b"}, {"path": "/b", "proven_within": timedelta(days=1)},
             {"job": "a", "least": 101}],
)  # fmt: skip
def test_what_could_never_be_looked_at_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot "):
        Check(**keys)  # type: ignore[arg-type]


def test_a_file_is_missed_once_it_had_its_time_or_was_there_before(tmp_path: Path) -> None:
    check = Check(path=f"{tmp_path}/db-*", max_age=timedelta(hours=2))
    with time_machine.travel(NOW, tick=False) as clock:
        first, kept = check.observe_since("")
        clock.shift(timedelta(hours=3))
        late, kept = check.observe_since(kept)
        _, kept = check.observe_since("")
        os.utime(_written(tmp_path, "db-1"), (time.time() - 600,) * 2)
        there, kept = check.observe_since(kept)
        (tmp_path / "db-1").unlink()
        gone, kept = check.observe_since(kept)
        another, _ = Check(path=f"{tmp_path}/other-*").observe_since(kept)

    assert [one.failure_class for one in (first, late, there, gone, another)] == [None, "absent", None, "absent", None]


def test_a_job_is_judged_by_its_record_wherever_it_is(tmp_path: Path) -> None:
    look = watched_job(tmp_path)
    with time_machine.travel(NOW, tick=False) as clock:
        first, kept = look.observe_since("")
        clock.shift(timedelta(hours=21))
        absent, kept = look.observe_since(kept)
        (tmp_path / "app").mkdir()
        run = Run(at=clock_now() - timedelta(hours=3), seconds=1)
        (tmp_path / "app/record.json").write_text(written(Record(runs=(run,))))
        late, kept = look.observe_since(kept)
        (tmp_path / "app/record.json").write_text("{")
        spoilt, _ = look.observe_since(kept)

    assert [one.failure_class for one in (first, absent, late)] == [None, "absent", "stale"]
    assert spoilt.status is Status.UNKNOWN


def test_since_when_a_job_is_watched_survives_a_clock_set_back_and_begins_anew_with_another_pace(
    tmp_path: Path,
) -> None:
    look = watched_job(tmp_path)
    with time_machine.travel(NOW, tick=False) as clock:
        _, ahead = look.observe_since("")
        clock.shift(-timedelta(days=400))
        back, kept = look.observe_since(ahead)
        clock.shift(timedelta(days=2))
        missed, _ = look.observe_since(kept)
        weekly = replace(look, job=replace(look.job, at="Sun 02:30"))
        anew, _ = weekly.observe_since(kept)

    assert [one.failure_class for one in (back, missed, anew)] == [None, "absent", None]


def watched_job(folder: Path) -> OfJob:
    job = Job(name="app", what=Sqlite(database="/a", to="/b"))
    look = Check(job="app", max_age=timedelta(hours=2)).of_job({"app": job}, folder)
    assert isinstance(look, OfJob)
    return look


def clock_now() -> datetime:
    return datetime.now(UTC)


def test_a_date_in_the_future_is_a_doubt_and_a_pipe_or_a_folder_is_no_backup(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "db-1.gz")
    (tmp_path / "db-2.gz").mkdir()
    check = Check(path=f"{tmp_path}/db-*.gz")
    none, _ = check.observe_since("")
    (tmp_path / "db-0.gz").write_bytes(gzip.compress(NOISE))
    aged(tmp_path / "db-0.gz", -2 * 86_400)
    ahead, _ = check.observe_since("")

    assert none.message.startswith(f"there is no backup {tmp_path}/db-*.gz")
    assert (ahead.status, ahead.failure_class) == (Status.WARNING, "dated")


def test_what_is_encrypted_in_a_zip_is_left_to_whoever_has_the_password(tmp_path: Path) -> None:
    zip_file(tmp_path / "a.zip")
    content = bytearray((tmp_path / "a.zip").read_bytes())
    for begin, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(begin) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(content)

    assert test(str(tmp_path / "a.zip"), WITHIN).fault == ""


@pytest.mark.parametrize("name", ["a.gz.sha256", "SHA256SUMS"])
def test_a_pipe_in_the_place_of_a_checksum_keeps_nobody_waiting(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(NOISE))
    os.mkfifo(tmp_path / name)

    assert test(str(tmp_path / "a.gz"), WITHIN).how == "gzip"
