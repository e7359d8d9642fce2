from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.core.log_row import OPENING, IncidentRow, NewRow, OutboxRow, OutboxState, StoreError, StoreTrouble
from opsagent.store.opening import open_log
from opsagent.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.store.eventlog import EventLog

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOBODY = 65534


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    opened = open_log(tmp_path / "events.db", host="h", boot="b", now=NOW).log
    yield opened
    opened.close()


def opened(log: EventLog, check: str, at: datetime, *, unit: str = "", closed: datetime | None = None) -> None:
    seq = log.last_seq + 1
    row = IncidentRow(
        seq=seq,
        label=log.next_label(at.date()),
        key=f"{unit or check}.service",
        check=check,
        state="closed" if closed else "repairing",
        opened_at=at,
        closed_at=closed,
        json=f'"{check}{seq}"',
    )
    message = OutboxRow(key=f"{check}{seq}", seq=seq, notifier="mail", payload="{}", next_at=at, incident=seq)
    log.append([NewRow(at=at, type="opened", v=1, data="{}", incident=OPENING)], at, incidents=[row], outbox=[message])


def test_incidents_come_oldest_first_and_can_be_chosen(log: EventLog) -> None:
    opened(log, "api", NOW - 40 * HOUR, closed=NOW - 39 * HOUR)
    opened(log, "redis", NOW - 30 * HOUR)
    opened(log, "api", NOW - HOUR, closed=NOW)
    opened(log, "www", NOW, unit="nginx")

    with Reader.open(log.path) as reader:
        assert reader.incidents() == ('"api1"', '"redis2"', '"api3"', '"www4"')
        assert reader.incidents(limit=2) == ('"api3"', '"www4"')
        assert reader.incidents(since=NOW - 2 * HOUR) == ('"redis2"', '"api3"', '"www4"')
        assert reader.incidents(open_only=True) == ('"redis2"', '"www4"')
        assert reader.incidents(check="api") == ('"api1"', '"api3"')
        assert reader.incidents(check="redis.service") == ('"redis2"',)
        assert reader.incidents(check="nginx") == ('"www4"',)
        assert reader.incident("OPS-20261121-001") == '"api3"'
        assert reader.incident("OPS-20261121-999") is None


def test_events_and_messages_of_one_incident_can_be_chosen(log: EventLog) -> None:
    opened(log, "api", NOW)
    log.append(
        [NewRow(at=NOW, type="seen", v=1, data="{}"), NewRow(at=NOW, type="did", v=1, data="{}", incident=1)], NOW
    )

    with Reader.open(log.path) as reader:
        assert [row.seq for row in reader.events()] == [1, 2, 3]
        assert [row.seq for row in reader.events(after=1, limit=1)] == [2]
        assert [row.seq for row in reader.events(incident=1)] == [1, 3]
        assert [row.key for row in reader.outbox(incident=1)] == ["api1"]
        assert reader.outbox(state=OutboxState.SENT) == ()
        assert reader.last_seq() == 3


def test_a_reader_sees_what_is_written_while_it_looks_and_never_holds_the_writer_up(log: EventLog) -> None:
    with Reader.open(log.path) as reader:
        before = reader.last_seq()
        opened(log, "api", NOW)
        log.set_meta("cursor", "s=1", NOW)

        assert (before, reader.last_seq(), reader.meta("cursor"), reader.meta("other")) == (0, 1, "s=1", None)


def test_no_log_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not written it yet"):
        Reader.open(tmp_path / "events.db")

    assert names(tmp_path) == []


def test_a_log_that_is_just_being_made_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "events.db").touch()

    with pytest.raises(FileNotFoundError, match="not written it yet"):
        Reader.open(tmp_path / "events.db")


def test_what_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"hello" * 1000)

    with pytest.raises(StoreError, match="cannot read") as caught:
        Reader.open(tmp_path / "events.db")

    assert caught.value.kind is StoreTrouble.CORRUPT


def read_as_nobody(path: Path) -> str:
    """Read as somebody who may read the files and may not write the directory."""
    program = (
        "import os, sys, pathlib; from opsagent.store.reader import Reader\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "with Reader.open(pathlib.Path(sys.argv[1])) as reader: print(len(reader.events()))\n"
    )
    argv = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path.cwd())
    return done.stdout.strip() or done.stderr


@pytest.fixture
def public(log: EventLog) -> Iterator[Path]:
    """The log, with files for all to read, where all may go and none may write."""
    place = Path("/tmp") / f"opsagent-reader-{os.getpid()}"
    place.mkdir(mode=0o755)
    other = open_log(place / "events.db", host="h", boot="b", now=NOW).log
    opened(other, "api", NOW)
    for file in place.iterdir():
        file.chmod(0o644)
    yield other
    other.close()
    shutil.rmtree(place)


def test_somebody_who_may_only_read_reads_beside_a_running_daemon(public: EventLog) -> None:
    assert read_as_nobody(public.path) == "1"


def test_somebody_who_may_only_read_reads_after_a_clean_stop(public: EventLog) -> None:
    public.close()

    assert read_as_nobody(public.path) == "1"


def test_somebody_who_may_only_read_reads_a_log_whose_wal_is_gone(public: EventLog) -> None:
    public.close()
    for suffix in ("-wal", "-shm"):
        public.path.with_name(public.path.name + suffix).unlink()

    assert read_as_nobody(public.path) == "1"


def test_a_reader_leaves_no_file_that_the_daemon_could_not_write(log: EventLog) -> None:
    opened(log, "api", NOW)
    log.close()
    for suffix in ("-wal", "-shm"):
        log.path.with_name(log.path.name + suffix).unlink()

    with Reader.open(log.path) as reader:
        assert reader.last_seq() == 1

    assert names(log.path.parent) == ["ballast", "events.db"]


def test_somebody_else_is_told_rather_than_left_to_make_the_daemons_files(public: EventLog) -> None:
    public.close()
    public.path.parent.chmod(0o777)
    public.path.with_name("events.db-shm").unlink()

    assert "start opsagent" in read_as_nobody(public.path)
    assert not public.path.with_name("events.db-shm").exists()
