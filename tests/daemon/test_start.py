import gzip
import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsagent.core import events as ev
from opsagent.core.codec import encode, kind_of
from opsagent.core.commands import Command
from opsagent.core.incident import Action
from opsagent.core.log_row import OPENING, NewRow, StoreError, StoreTrouble
from opsagent.core.observation import Severity
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import Policy
from opsagent.core.unit import UnitSnapshot
from opsagent.daemon import start
from opsagent.settings import Settings
from opsagent.settings.options import Layout, Scope
from opsagent.store import spool
from opsagent.store.reader import Reader

RELEASED = Path(__file__).parents[1] / "store" / "released"
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    state = tmp_path / "state"
    return Settings(
        policy=Policy(host="web-1"),
        memory=state / "memory",
        state=state,
        layout=Layout.STANDALONE,
        scope=Scope.SYSTEM,
    )


def with_one_incident(settings: Settings) -> None:
    ground = start.stand(settings, NOW)
    suspected = ev.IncidentSuspected(
        key="api", check="api", unit=None, failure_class="status", message="500", first_bad_at=NOW
    )
    confirmed = ev.IncidentConfirmed(
        label="OPS-20261118-001",
        to=Phase.PAGED,
        severity=Severity.SEV2,
        failure_class="status",
        fingerprint="api|http|status",
        reason="api: 500",
        checks=("api",),
    )
    for event, incident in ((suspected, OPENING), (confirmed, 1)):
        row = NewRow(at=NOW, type=kind_of(event), v=1, data=encode(event), incident=incident)
        ground.opened.log.append([row], NOW)
    ground.opened.log.close()
    ground.held.release()


def labels(settings: Settings) -> list[str]:
    with Reader.open(settings.state / "events.db") as reader:
        return [row for row in reader.incidents(since=NOW - timedelta(days=30)) if "OPS-20261118-001" in row]


def test_a_damaged_log_is_told_of_and_its_incidents_are_listed_again(settings: Settings) -> None:
    with_one_incident(settings)
    path = settings.state / "events.db"
    content = bytearray(path.read_bytes())
    content[:16] = b"not a database!!"
    path.write_bytes(content)

    ground = start.stand(settings, NOW)

    news = start.salvaged(ground.opened)
    assert news[0].kept_at == str(ground.opened.set_aside)
    assert Path(news[0].kept_at).exists()
    assert [i.label for i in ground.state.open_incidents] == (["OPS-20261118-001"] if ground.opened.salvaged else [])
    assert len(labels(settings)) == len(ground.state.open_incidents)
    ground.opened.log.close()
    ground.held.release()


def test_lists_that_a_purge_emptied_are_put_anew_at_the_next_start(settings: Settings) -> None:
    with_one_incident(settings)
    with sqlite3.connect(settings.state / "events.db") as connection:
        connection.execute("INSERT INTO meta VALUES('lists_lost', 'purge')")
    connection.close()
    assert labels(settings) == []

    ground = start.stand(settings, NOW)
    ground.opened.log.close()
    ground.held.release()

    assert len(labels(settings)) == 1


def test_a_sound_log_is_no_news(settings: Settings) -> None:
    ground = start.stand(settings, NOW)

    assert start.salvaged(ground.opened) == []
    ground.opened.log.close()
    ground.held.release()


def test_the_fate_of_an_order_is_read_anew_after_its_job_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last reading that shows no job may be torn: its job ended between two questions."""
    readings = (("restart", "a" * 32), (None, "a" * 32), (None, "b" * 32))
    seen = [UnitSnapshot(name="api.service", read_at=NOW, job=job, invocation_id=found) for job, found in readings]
    monkeypatch.setattr(start, "snapshot_of", lambda name, scope: seen.pop(0))
    monkeypatch.setattr(start, "A_MOMENT", 0)
    ordered = Action(
        seq=1, at=NOW, remedy="restart", unit="api.service", outcome=Outcome.RUNNING, before="a" * 32, reason="down"
    )

    outcome = start.fate(ordered, "system")

    assert outcome.result == "done"
    assert seen == []


def spooled(directory: Path, body: dict[str, object]) -> str:
    return spool.write(directory, json.dumps({"v": 1, "at": NOW.isoformat(), **body})).stem


@pytest.mark.parametrize("body", [{"kind": "burn"}, {"kind": "status"}, {"kind": "note", "incident": 5, "text": "x"}])
def test_what_is_no_command_is_set_aside_once(tmp_path: Path, body: dict[str, object]) -> None:
    uuid = spooled(tmp_path, body)

    assert start.spooled(tmp_path, lambda _: False) == []
    assert not (tmp_path / f"{uuid}.json").exists()
    assert (tmp_path / spool.REFUSED / f"no-command-{uuid}.json").exists()


@pytest.mark.parametrize("what", ["nothing", "a file", "a link", "a pipe"])
def test_a_spool_that_is_no_directory_keeps_nobody_from_starting(tmp_path: Path, what: str) -> None:
    directory = tmp_path / "spool"
    if what == "a file":
        directory.touch()
    elif what == "a link":
        directory.symlink_to("/etc")
    elif what == "a pipe":
        os.mkfifo(directory)

    assert start.spooled(directory, lambda _: False) == []


def test_a_command_that_the_log_knows_is_not_carried_out_again(tmp_path: Path) -> None:
    known = spooled(tmp_path, {"kind": "note", "incident": "001", "text": "known"})
    fresh = spooled(tmp_path, {"kind": "note", "incident": "001", "text": "fresh"})

    assert [one.uuid for one, _ in start.spooled(tmp_path, lambda uuid: uuid == known)] == [fresh]
    assert not (tmp_path / f"{known}.json").exists()


def test_commands_wait_while_the_log_cannot_be_written_and_are_carried_out_once(settings: Settings) -> None:
    ground = start.stand(settings, NOW)
    directory = settings.state / "spool"
    directory.mkdir()
    waiting = [spooled(directory, {"kind": "note", "incident": "001", "text": text}) for text in "ab"]
    done: list[str] = []

    def hold(command: Command) -> None:
        """Be a disk that is full from here on: the event is in memory only."""
        done.append(command.uuid)
        ground.pending.trouble = StoreError(StoreTrouble.FULL, "full")

    def record(command: Command) -> None:
        done.append(command.uuid)
        ground.opened.log.append((), NOW, spooled=[command.uuid])

    start.take_spool(directory, ground, hold)
    start.take_spool(directory, ground, hold)
    ground.opened.log.append((), NOW, spooled=done)
    ground.pending.flush(NOW)
    start.take_spool(directory, ground, record)
    ground.opened.log.close()

    assert sorted(done) == sorted(waiting)
    assert spool.peek(directory) == spool.Spool()


@pytest.mark.parametrize("released", sorted(RELEASED.glob("events-*")), ids=lambda path: path.name)
def test_the_log_of_an_earlier_release_goes_on_where_it_was(released: Path, settings: Settings) -> None:
    settings.state.mkdir()
    (settings.state / "events.db").write_bytes(gzip.decompress(released.read_bytes()))

    ground = start.stand(settings, NOW + timedelta(days=10))

    [sick] = ground.state.open_incidents
    assert (sick.key, sick.state, [action.outcome for action in sick.actions]) == (
        "sick.service",
        "repairing",
        ["failed"],
    )
    ground.opened.log.close()
    ground.held.release()
