"""What holds a hand back: packages at work, pressure, a systemd that does not answer."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.host import boot
from opsagent.host.boot import booted_at, first_process_at
from opsagent.host.bus import BusLostError
from opsagent.host.conditions import busy, conditions, overload

if TYPE_CHECKING:
    from opsagent.core.unit import HostConditions


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot, "_told", [])


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock-frontend"
    path.touch()
    return path


@pytest.mark.parametrize("take", [fcntl.lockf, fcntl.flock])
def test_a_held_lock_names_its_holder(lock: Path, take: object) -> None:
    with lock.open("w") as file:
        take(file, fcntl.LOCK_EX)  # type: ignore[operator]

        told = busy((str(lock),), ())

    assert told == f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()}) holds {lock}"


def test_a_lock_file_that_nobody_holds_is_nothing(lock: Path) -> None:
    assert busy((str(lock), f"{lock}-not-there"), ()) == ""


def test_only_a_holder_counts_not_one_who_waits(tmp_path: Path, lock: Path) -> None:
    inode = lock.stat().st_ino
    waits = f"1: -> POSIX  ADVISORY  WRITE 77 08:02:{inode} 0 EOF\n"
    other_device = f"1: POSIX  ADVISORY  WRITE 78 ff:ff:{inode} 0 EOF\n"

    (tmp_path / "locks").write_text(waits)
    waiting = busy((str(lock),), (), tmp_path)
    (tmp_path / "locks").write_text(waits + other_device + "nonsense\n")
    held = busy((str(lock),), (), tmp_path)

    assert waiting == ""
    assert held == f"a process (pid 78) holds {lock}"


def test_what_cannot_be_read_holds_nothing_back(tmp_path: Path, lock: Path) -> None:
    assert busy((str(lock),), (str(tmp_path),), tmp_path / "no-proc") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [pytest.param(f"{os.getpid()}\n", True, id="our own"), ("0x1\n", False), ("", False)],
)
def test_a_pid_file_counts_while_that_process_lives(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "agent_catalog_run.lock"
    path.write_text(text)

    assert bool(busy((), (str(path),))) is expected


def test_a_pid_file_that_was_left_behind_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "yum.pid"
    path.write_text("4194305")  # above the highest number a process can have

    assert busy((), (str(path),)) == ""


@pytest.mark.parametrize(
    ("resource", "text", "told"),
    [
        (
            "cpu",
            "some avg10=60.00 avg60=1.00 avg300=0.00 total=1\n",
            "cpu pressure (some) is at 60 % or more over 10 s",
        ),
        ("cpu", "some avg10=59.99 avg60=99.0 avg300=99.0 total=1\n", ""),
        ("memory", "some avg10=99.00 avg60=0 avg300=0 total=1\nfull avg10=9.9 avg60=0 avg300=0 total=1\n", ""),
        (
            "memory",
            "some avg10=0.00 avg60=0 avg300=0 total=1\nfull avg10=12.5 avg60=0 avg300=0 total=1\n",
            "memory pressure (full) is at 10 % or more over 10 s",
        ),
        ("io", "full avg10=41.00 avg60=0 avg300=0 total=1\n", "io pressure (full) is at 40 % or more over 10 s"),
        ("io", "garbage\n", ""),
        ("io", "full avg10=lots\n", ""),
    ],
)
def test_pressure_over_its_limit_is_overload(tmp_path: Path, resource: str, text: str, told: str) -> None:
    (tmp_path / resource).write_text(text)

    assert overload(tmp_path, lambda: 60.0) == told


def test_who_waits_by_a_limit_of_his_own_while_processors_are_idle_overloads_no_host(tmp_path: Path) -> None:
    (tmp_path / "cpu").write_text("some avg10=98.00 avg60=1.00 avg300=0.00 total=1\n")

    assert overload(tmp_path, lambda: 5.0) == ""


def test_a_kernel_without_pressure_is_not_overloaded(tmp_path: Path) -> None:
    assert overload(tmp_path / "none") == ""


def test_all_conditions_come_together(tmp_path: Path) -> None:
    hold = tmp_path / "HOLD"
    hold.write_text("moving the database\n")

    found = conditions(lambda: "degraded", str(hold))

    assert (found.hold, found.system_state) == ("moving the database", "degraded")
    assert found.booted_at is not None
    assert found.booted_at < datetime.now(UTC)


def test_a_systemd_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    def lost() -> str:
        raise BusLostError("no answer to Get")

    assert conditions(lost, str(tmp_path / "HOLD")).system_state == "unknown"


def test_two_looks_at_a_host_where_nothing_changed_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> HostConditions:
        return conditions(lambda: "running", str(tmp_path / "HOLD"))

    first, second = look(), look()
    slewed = datetime.now(UTC) + timedelta(seconds=1.5)
    monkeypatch.setattr(boot, "utc_now", lambda: slewed)
    third = look()
    monkeypatch.setattr(boot, "utc_now", lambda: slewed - timedelta(hours=1))
    set_back = look()

    assert first.booted_at == second.booted_at == third.booted_at
    assert first.booted_at is not None
    assert set_back.booted_at is not None
    assert timedelta(minutes=59) < first.booted_at - set_back.booted_at < timedelta(minutes=61)


def test_the_first_process_started_after_the_kernel_and_before_now() -> None:
    first = first_process_at()

    assert first is not None
    assert booted_at() <= first <= datetime.now(UTC)


def test_a_proc_that_does_not_tell_gives_no_time(tmp_path: Path) -> None:
    assert first_process_at(tmp_path) is None
