"""Databases of earlier versions: brought forward with a copy first, whole or not at all; newer ones are refused."""

from __future__ import annotations

import gzip
import os
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.store import migration, sample_tables, schema
from opsagent.store.database import connect
from opsagent.store.history import History
from opsagent.store.opening import open_log
from opsagent.store.reader import Reader
from opsagent.store.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 28, tzinfo=UTC)
RELEASED = sorted((Path(__file__).parent / "released").iterdir())
"""What opsagent of each version of the schema wrote on a host: one service healed, another one broken for good."""
EVENTS = [path for path in RELEASED if path.name.startswith("events-")]
SAMPLES = [path for path in RELEASED if path.name.startswith("samples-")]
NEXT = {
    **schema.STEPS,
    schema.VERSION + 1: f"""
ALTER TABLE events ADD COLUMN tenant TEXT NOT NULL DEFAULT 'us';
CREATE TABLE shifts(seq INTEGER PRIMARY KEY, who TEXT NOT NULL);
UPDATE meta SET value = '{schema.VERSION + 1}' WHERE key = 'schema'
""",
}
COPY = f"events.db.before-v{schema.VERSION + 1}"


def unpacked(packed: Path, folder: Path) -> Path:
    path = folder / packed.name.replace(packed.name[packed.name.index("-") :], ".db")
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def layout(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return {
        (name, " ".join((sql or "").split())) for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")
    }


def events(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(schema.ALL_EVENTS + " ORDER BY seq").fetchall()


def bring_forward(path: Path) -> None:
    with closing(connect(path, "FULL")) as connection:
        migration.forward(connection, NEXT)


@pytest.mark.parametrize("packed", EVENTS, ids=lambda path: path.name)
def test_the_event_log_of_each_released_version_opens_and_loses_nothing(packed: Path, tmp_path: Path) -> None:
    path = unpacked(packed, tmp_path)
    before = events(path)

    opened = open_log(path, host="web-1", boot="b2", now=NOW)

    assert (opened.damage, opened.created) == ("", False)
    assert [row.seq for row in opened.log.replay()] == [cells[0] for cells in before]
    opened.log.close()
    with Reader.open(path) as reader:
        assert len(reader.incidents(open_only=True)) == 2
        assert len(reader.incidents()) == 2


@pytest.mark.parametrize("packed", SAMPLES, ids=lambda path: path.name)
def test_the_samples_of_each_released_version_open_and_lose_nothing(packed: Path, tmp_path: Path) -> None:
    path = unpacked(packed, tmp_path)

    samples = Samples.open(path, NOW)

    assert samples.set_aside is None
    assert len(samples.history().read("api", NOW - timedelta(days=2), NOW)) > 2
    samples.close()


@pytest.mark.parametrize(
    ("kind", "steps"), [("events", schema.STEPS), ("samples", sample_tables.STEPS)], ids=["events", "samples"]
)
def test_no_step_that_was_released_was_changed_and_each_version_is_recorded(
    kind: str, steps: dict[int, str], tmp_path: Path
) -> None:
    for number in steps:
        [packed] = [path for path in RELEASED if path.name == f"{kind}-v{number}.db.gz"]
        with (
            closing(sqlite3.connect(unpacked(packed, tmp_path))) as released,
            closing(sqlite3.connect(":memory:", isolation_level=None)) as made,
        ):
            migration.forward(made, {one: sql for one, sql in steps.items() if one <= number})
            assert layout(made) == layout(released)
            assert migration.version_of(released) == number


def test_a_new_database_states_its_version_in_both_places() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        schema.prepare(made)

        assert migration.version_of(made) == schema.VERSION
        assert made.execute("SELECT value FROM meta WHERE key='schema'").fetchone() == (str(schema.VERSION),)


def test_a_step_forward_keeps_a_whole_copy_of_what_was_there(tmp_path: Path) -> None:
    path = unpacked(EVENTS[-1], tmp_path)
    before = events(path)

    bring_forward(path)

    assert events(path) == before == events(tmp_path / COPY)
    with closing(sqlite3.connect(path)) as new, closing(sqlite3.connect(tmp_path / COPY)) as kept:
        assert new.execute("SELECT DISTINCT tenant FROM events").fetchall() == [("us",)]
        assert migration.version_of(new) == schema.VERSION + 1
        assert migration.version_of(kept) == schema.VERSION
    assert open_log(tmp_path / COPY, host="web-1", boot="b2", now=NOW).damage == ""


def test_what_is_only_in_the_write_ahead_log_is_in_the_copy_too(tmp_path: Path) -> None:
    path = unpacked(EVENTS[-1], tmp_path)
    with closing(connect(path, "FULL")) as connection:
        connection.execute("INSERT INTO labels VALUES('OPS-20261128-001', 7)")
        migration.forward(connection, NEXT)

    with closing(sqlite3.connect(tmp_path / COPY)) as kept:
        assert kept.execute("SELECT seq FROM labels WHERE label = 'OPS-20261128-001'").fetchone() == (7,)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(COPY)] == [COPY]


def test_a_new_database_has_nothing_to_keep_a_copy_of(tmp_path: Path) -> None:
    bring_forward(tmp_path / "events.db")

    assert sorted(file.name for file in tmp_path.iterdir()) == ["events.db"]


class Killer:
    """Kills its own process at the nth thing that a migration does."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(path: Path, place: int) -> bool:
    """Bring forward in a child that is killed at the nth statement or step of the copy; tell whether it was."""
    if child := os.fork():
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    killer = Killer(place)
    connection = connect(path, "FULL")
    connection.set_trace_callback(killer)
    for name in ("create", "sync_directory"):
        setattr(migration, name, both(killer, getattr(migration, name)))
    migration.forward(connection, NEXT)
    os._exit(0)


def both(first: Callable[..., object], then: Callable[..., object]) -> Callable[..., object]:
    def call(*arguments: object) -> object:
        first()
        return then(*arguments)

    return call


def test_killed_at_any_point_it_is_the_old_or_the_new_and_the_next_start_ends_the_work(tmp_path: Path) -> None:
    before = events(unpacked(EVENTS[-1], tmp_path))
    found, place = set(), 0
    killed = True
    while killed:
        place += 1
        folder = tmp_path / str(place)
        folder.mkdir()
        path = unpacked(EVENTS[-1], folder)
        killed = killed_at(path, place)
        with closing(sqlite3.connect(path)) as connection:
            version, shape = migration.version_of(connection), len(layout(connection))
            found.add((version, shape))
        bring_forward(path)
        assert events(path) == before == events(folder / COPY)

    assert place > 8
    assert len(found) == 2, "the old and the new, nothing between"
    assert {version for version, _ in found} == {schema.VERSION, schema.VERSION + 1}


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = unpacked(EVENTS[-1], tmp_path)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migration, "create", full)

    with pytest.raises(StoreError, match=r"cannot keep a copy of .* before it is changed") as caught:
        bring_forward(path)
    assert caught.value.kind is StoreTrouble.FULL
    with closing(sqlite3.connect(path)) as connection:
        assert migration.version_of(connection) == schema.VERSION


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Make a log as a newer opsagent would, with other columns."""
    path = unpacked(EVENTS[-1], tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE events RENAME COLUMN data TO payload")
        other.execute("UPDATE meta SET value='9' WHERE key='schema'")
        other.commit()
        other.execute("PRAGMA user_version=9")
    return path


def test_a_newer_log_is_neither_opened_nor_taken_for_damaged(newer: Path) -> None:
    with pytest.raises(StoreError, match=r"its schema is 9, this opsagent knows \d+; install the newer") as caught:
        open_log(newer, host="web-1", boot="b2", now=NOW)

    assert caught.value.kind is StoreTrouble.NEWER
    assert not list(newer.parent.glob("*damaged*"))


def test_newer_samples_are_left_where_they_are(tmp_path: Path) -> None:
    path = unpacked(SAMPLES[-1], tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=9")

    with pytest.raises(StoreError, match="install the newer"):
        Samples.open(path, NOW)

    assert not list(tmp_path.glob("*damaged*"))
    with pytest.raises(StoreError, match="use the newer"):
        History.open(path)


def test_a_reader_says_which_program_a_log_needs(newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreError, match=r"its schema is 9, .* use the newer"):
        Reader.open(newer)

    monkeypatch.setattr(schema, "VERSION", 10)
    with pytest.raises(StoreError, match=r"opsagent brings it to 10 when it is \(re\)started"):
        Reader.open(newer)
