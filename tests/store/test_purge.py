from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from opsagent.core.log_row import OPENING, IncidentRow, NewRow, OutboxRow
from opsagent.store import lock
from opsagent.store.opening import open_log
from opsagent.store.purge import purge

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SECRET = "hunter2-correct-horse"
NOTE = NewRow(at=NOW, type="MemoryPurged", v=1, data='{"purged": 2}', actor="anna")


def record_a_secret(directory: Path) -> None:
    log = open_log(directory / "events.db", host="web-1", boot="b", now=NOW).log
    log.append([NewRow(at=NOW, type="seen", v=1, data='{"x": 1}')], NOW)
    message = OutboxRow(key="k", seq=2, notifier="mail", payload=f'"{SECRET}"', next_at=NOW, incident=2)
    incident = IncidentRow(
        seq=2,
        label="OPS-20261121-001",
        key="api",
        check="api",
        state="open",
        opened_at=NOW,
        closed_at=None,
        json=f'"{SECRET}"',
    )
    new = NewRow(at=NOW, type="evidence", v=1, data=f'{{"line": "{SECRET}"}}', incident=OPENING)
    log.append([new], NOW, outbox=[message], incidents=[incident])
    for _ in range(50):
        log.append([NewRow(at=NOW, type="seen", v=1, data='{"x": 1}')], NOW)
    log.close()


def test_nothing_of_the_payload_is_left_in_any_file_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    record_a_secret(tmp_path)
    assert any(SECRET.encode() in file.read_bytes() for file in tmp_path.iterdir())

    purged = purge(tmp_path, 2, "a password got in", NOTE)

    assert not [file.name for file in tmp_path.iterdir() if SECRET.encode() in file.read_bytes()]
    again = open_log(tmp_path / "events.db", host="web-1", boot="b", now=NOW).log
    rows = {row.seq: row for row in again.replay()}
    again.close()
    assert sorted(rows) == list(range(1, 54))
    assert again.unsound == []
    assert json.loads(rows[2].data)["purged"]["sha256"] == purged.sha256
    assert (rows[2].type, rows[2].incident, rows[53].type, rows[53].actor) == ("evidence", 2, "MemoryPurged", "anna")


def test_the_incident_can_be_put_anew_and_keeps_its_label(tmp_path: Path) -> None:
    record_a_secret(tmp_path)

    purge(tmp_path, 2, "a password got in", NOTE)

    again = open_log(tmp_path / "events.db", host="web-1", boot="b", now=NOW).log
    assert again.next_label(NOW.date()) == "OPS-20261121-002"
    assert [row.payload for row in again.outbox()] == ["{}"]
    again.close()


def test_it_names_the_copies_that_may_hold_it_too(tmp_path: Path) -> None:
    record_a_secret(tmp_path)
    copy = tmp_path / "events.db.damaged-20261101T000000Z"
    copy.write_bytes(SECRET.encode())

    assert purge(tmp_path, 2, "a password got in", NOTE).copies == (copy,)


def test_it_is_refused_while_the_daemon_runs(tmp_path: Path) -> None:
    record_a_secret(tmp_path)
    held = lock.take(tmp_path)

    with pytest.raises(lock.LockedError):
        purge(tmp_path, 2, "a password got in", NOTE)

    held.release()


def test_an_event_that_is_not_there_cannot_be_purged(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no event log"):
        purge(tmp_path, 2, "because", NOTE)
    record_a_secret(tmp_path)

    with pytest.raises(LookupError, match="no such event"):
        purge(tmp_path, 99, "because", NOTE)

    lock.take(tmp_path).release()


def test_a_purged_log_can_still_be_salvaged(tmp_path: Path) -> None:
    record_a_secret(tmp_path)
    purge(tmp_path, 2, "a password got in", NOTE)
    with (tmp_path / "events.db").open("r+b") as file:
        file.write(bytes(4096))

    opened = open_log(tmp_path / "events.db", host="web-1", boot="b", now=NOW)

    assert (opened.salvaged, opened.lost) == (53, 0)
    opened.log.close()


def test_what_root_purges_is_still_the_daemons(tmp_path: Path) -> None:
    record_a_secret(tmp_path)
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, 65534, 65534)

    purge(tmp_path, 2, "a password got in", NOTE)

    assert {path.name: path.stat().st_uid for path in tmp_path.iterdir()} == {
        "ballast": 65534,
        "events.db": 65534,
        "lock": 65534,
    }
