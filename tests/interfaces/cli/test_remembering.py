"""`memory`: what is missing is written again, people's words stay, a secret leaves the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.store import lock
from opsagent.store.reader import Reader

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.interfaces.instance import Instance, Log


def daily(instance: Instance, now: datetime) -> Path:
    (path,) = (instance.state / "memory").rglob(f"{now.astimezone():%Y-%m-%d}.md")
    return path


def test_a_lost_day_is_written_again_and_only_once(instance: Instance, log: Log, now: datetime) -> None:
    label = log.incident("api", unit="api.service", at=now)

    first = instance.run("memory", "rebuild")
    again = instance.run("memory", "rebuild")

    assert first.exit_code == 0, first.stderr
    assert label in daily(instance, now).read_text()
    assert ": 0 entries written again" in again.stdout


def test_a_persons_line_stays(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)
    instance.run("memory", "rebuild")
    with daily(instance, now).open("a") as file:
        file.write("\nAnn: it was the deploy.\n")
    log.incident("www", at=now)

    instance.run("memory", "rebuild")

    text = daily(instance, now).read_text()
    assert "Ann: it was the deploy." in text
    assert "www" in text


def test_one_day_alone_can_be_asked_for(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)

    result = instance.run("memory", "rebuild", "--date", "2020-01-01")

    assert result.stdout == f"{instance.state / 'memory'}: 0 entries written again, 0 were there\n"


@pytest.mark.parametrize("day", ["today", "2026-13-01"])
def test_a_day_that_is_none_is_an_error_of_use(instance: Instance, log: Log, day: str) -> None:
    result = instance.run("memory", "rebuild", "--date", day)

    assert result.exit_code == 2
    assert f"cannot read --date '{day}', allowed: a day such as 2026-03-01" in result.stderr


def test_without_a_log_there_is_nothing_to_write(instance: Instance) -> None:
    result = instance.run("memory", "rebuild")

    assert result.exit_code == 1
    assert "once opsagent has run here" in result.stderr


def test_a_memory_that_cannot_be_written_is_told(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)
    (instance.state / "memory").write_text("a file in its place")

    result = instance.run("memory", "rebuild")

    assert result.exit_code == 1
    assert "some could not be written: " in result.stderr


def secret_event(instance: Instance) -> int:
    with Reader.open(instance.state / "events.db") as reader:
        return next(row.seq for row in reader.events() if row.type == "EvidenceGathered")


def test_a_purged_secret_is_gone_from_the_log_and_the_incident_stays(
    instance: Instance, log: Log, now: datetime
) -> None:
    label = log.incident("api", unit="api.service", at=now)
    instance.run("memory", "rebuild")
    seq = secret_event(instance)
    log.log.close()

    result = instance.run("memory", "purge", str(seq), "--because", "a password got in")

    assert result.exit_code == 0, result.stderr
    assert f"event {seq} is purged; what is kept of it: sha256 " in result.stdout
    assert b"not markup" not in (instance.state / "events.db").read_bytes()
    shown = instance.json("show", label)
    assert [moment["text"] for moment in shown["timeline"]] == ["refused", "confirmed: api: refused", "ann noted"]


def test_a_purge_names_the_markdown_that_has_the_events_entry(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", unit="api.service", at=now)
    instance.run("memory", "rebuild")
    with Reader.open(instance.state / "events.db") as reader:
        seq = next(row.seq for row in reader.events() if row.type == "NoteAdded")
    log.log.close()

    result = instance.run("memory", "purge", str(seq), "--because", "a password got in")

    assert f"may still hold it, look yourself: {daily(instance, now)}" in result.stdout


def test_while_the_daemon_runs_nothing_is_purged(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)
    held = lock.take(instance.state)

    result = instance.run("memory", "purge", str(secret_event(instance)), "--because", "x")
    held.release()

    assert result.exit_code == 1
    assert "one opsagent per state directory" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["99", "--because", "x"], 1, "cannot purge event 99: there is no such event"),
        (["2"], 2, "--because"),
        (["0", "--because", "x"], 2, "greater than or equal to 1"),
    ],
)
def test_a_purge_needs_an_event_and_a_reason(
    instance: Instance, log: Log, words: list[str], code: int, said: str
) -> None:
    result = instance.run("memory", "purge", *words)

    assert result.exit_code == code
    assert said in result.stderr


def test_without_a_log_there_is_nothing_to_purge(instance: Instance) -> None:
    result = instance.run("memory", "purge", "1", "--because", "x")

    assert result.exit_code == 1
    assert f"cannot read {instance.state / 'events.db'}" in result.stderr
