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
    from collections.abc import Iterator
    from pathlib import Path


def make(file: Path, age: float = 0, size: int = 100) -> Path:
    file.parent.mkdir(exist_ok=True)
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


def test_a_link_that_leads_nowhere_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(tmp_path / "gone")

    assert observe(Check(path=str(tmp_path / "latest"))).failure_class == "exists"


def test_of_a_pattern_what_leads_nowhere_does_not_count(tmp_path: Path) -> None:
    newest = make(tmp_path / "db" / "1.gz")
    make(tmp_path / "stray")
    (tmp_path / "db" / "2.gz").symlink_to(tmp_path / "gone")
    make(tmp_path / "db" / ".3.gz")

    reading = observe(Check(path=str(tmp_path / "*" / "*.gz")))

    assert (reading.status, reading.message.split()[0]) == (Status.OK, str(newest))


@pytest.fixture
def unprivileged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The present folder, looked at without root's right to read everything."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above need not be open to us
    was_root = os.geteuid() == 0
    yield tmp_path
    if was_root:
        os.seteuid(0)


@pytest.mark.parametrize("pattern", ["closed/db-*.gz", "*/db-1.gz", "*/*.gz"])
@pytest.mark.parametrize("mode", [0o000, 0o711])
def test_a_folder_that_is_closed_to_us_is_not_an_empty_one(unprivileged: Path, pattern: str, mode: int) -> None:
    make(unprivileged / "closed" / "db-2.gz")
    (unprivileged / "closed").chmod(mode)
    os.seteuid(os.geteuid() or 65_534)

    reading = observe(Check(path=f"/proc/self/cwd/{pattern}"))

    expected = Status.CRITICAL if (mode, pattern) == (0o711, "*/db-1.gz") else Status.UNKNOWN
    assert reading.status is expected


@pytest.mark.parametrize("options", [{"path": "stamp"}, {"path": "/stamp", "min_size": Bytes(2), "max_size": Bytes(1)}])
def test_what_can_never_be_true_is_refused_in_the_settings(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^cannot"):
        Check(**options)
