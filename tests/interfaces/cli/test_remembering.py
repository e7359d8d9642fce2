"""`memory rebuild`: what is missing is written again, people's words stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
