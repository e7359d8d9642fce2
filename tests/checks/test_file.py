"""The file check: existence, freshness, size, the newest of many."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks import observe
from opsagent.checks.file import Check
from opsagent.core.observation import Status
from opsagent.core.quantity import Bytes

if TYPE_CHECKING:
    from pathlib import Path


def make(file: Path, age: float = 0, size: int = 100) -> Path:
    file.write_bytes(b"x" * size)
    os.utime(file, (time.time() - age, time.time() - age))
    return file


@pytest.mark.parametrize(
    ("options", "failure_class"),
    [
        ({}, None),
        ({"exists": False}, "exists"),
        ({"max_age": timedelta(hours=2)}, None),
        ({"max_age": timedelta(minutes=59)}, "stale"),
        ({"min_size": Bytes(100), "max_size": Bytes(100)}, None),
        ({"min_size": Bytes(101)}, "size"),
        ({"max_size": Bytes(99)}, "size"),
    ],
)
def test_a_file_is_compared_with_what_it_should_be(
    tmp_path: Path, options: dict[str, Any], failure_class: str | None
) -> None:
    file = make(tmp_path / "stamp", age=3600)

    reading = observe(Check(path=str(file), **options))

    assert reading.failure_class == failure_class
    assert reading.status is (Status.CRITICAL if failure_class else Status.OK)


def test_a_missing_file_is_critical_unless_it_must_be_missing(tmp_path: Path) -> None:
    path = str(tmp_path / "none")

    assert observe(Check(path=path)).failure_class == "exists"
    assert observe(Check(path=path, exists=False)).status is Status.OK


def test_of_a_pattern_the_newest_counts(tmp_path: Path) -> None:
    make(tmp_path / "db-1.gz", age=90_000)
    newest = make(tmp_path / "db-2.gz", age=60)
    make(tmp_path / "db-3.gz", age=172_800)

    reading = observe(Check(path=str(tmp_path / "db-*.gz"), max_age=timedelta(days=1)))

    assert reading.status is Status.OK
    assert str(newest) in reading.message


def test_a_pattern_that_matches_nothing_is_a_missing_file(tmp_path: Path) -> None:
    assert observe(Check(path=str(tmp_path / "*.gz"))).failure_class == "exists"


def test_a_name_with_brackets_is_first_taken_as_it_is(tmp_path: Path) -> None:
    make(tmp_path / "a[1].log")

    assert observe(Check(path=str(tmp_path / "a[1].log"))).status is Status.OK


def test_a_file_from_the_future_is_fresh(tmp_path: Path) -> None:
    file = make(tmp_path / "stamp", age=-500)

    assert observe(Check(path=str(file), max_age=timedelta(seconds=1))).status is Status.OK


def test_a_place_we_cannot_look_at_is_unknown(tmp_path: Path) -> None:
    make(tmp_path / "file")

    assert observe(Check(path=str(tmp_path / "file" / "below"))).status is Status.UNKNOWN
