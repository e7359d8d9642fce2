"""The checks that read a number from the host: cpu, memory, load."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from opsagent.checks import cpu, disk, load, memory
from opsagent.core.observation import Severity, Status

if TYPE_CHECKING:
    from pathlib import Path

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")  # noqa: PYI024


@pytest.fixture
def processors(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets the seconds of work and idling since boot, and when we look."""
    fresh = cpu._Sample(at=float("-inf"), busy=0.0, total=0.0, answer=(0.0, 0.0))
    monkeypatch.setattr(cpu, "_previous", fresh)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)

    def now(at: float, busy: float, idle: float) -> None:
        monkeypatch.setattr(cpu.time, "monotonic", lambda: at)
        monkeypatch.setattr(psutil, "cpu_times", lambda: Times(busy, 0, 0, idle, 0, 0, 0, 0, 0, 0))

    return now


def test_the_processors_share_is_counted_since_the_look_before(processors: Any) -> None:
    processors(at=100, busy=1000, idle=1000)
    cpu.Check().observe()
    processors(at=110, busy=1019, idle=1001)

    reading = cpu.Check().observe()

    assert (reading.status, reading.failure_class) == (Status.WARNING, "high")
    assert reading.message == "processors 95 % busy over the last 10 s"
    assert (reading.measures[0].value, reading.measures[0].limit) == (95, 85)


def test_a_long_time_is_said_as_people_say_it(processors: Any) -> None:
    processors(at=100, busy=1000, idle=1000)
    cpu.Check().observe()
    processors(at=4252, busy=1000, idle=9304)

    assert cpu.Check().observe().message == "processors 0 % busy over the last 1 h 9 min"


def test_two_cpu_checks_looking_together_give_one_answer(processors: Any) -> None:
    processors(at=100, busy=1000, idle=1000)
    cpu.Check().observe()
    processors(at=110, busy=1010, idle=1010)
    first = cpu.Check().observe()
    processors(at=110.1, busy=1010.2, idle=1010)

    assert cpu.Check().observe() == first


def test_waiting_for_a_disk_is_not_work(processors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu.time, "monotonic", lambda: 1.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: Times(10, 0, 0, 10, 80, 0, 0, 0, 0, 0))

    assert cpu.Check().observe().measures[0].value == 10


def test_the_processors_of_this_host_answer() -> None:
    reading = cpu.Check(warning=None).observe()

    assert reading.status is Status.OK
    assert 0 <= reading.measures[0].value <= 100


def test_what_is_measured_is_what_psutil_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_previous", cpu._Sample(at=float("-inf"), busy=0.0, total=0.0, answer=(0.0, 0.0)))

    used, swap = psutil.virtual_memory().percent, psutil.swap_memory().percent
    measures = {one.name: one.value for one in memory.Check().observe().measures}
    disk_reading = disk.Check(path="/tmp", warning=None, critical=None).observe()
    load_reading = load.Check().observe()
    times = psutil.cpu_times()
    busy = 100 * (1 - (times.idle + times.iowait) / sum(times[:8]))

    assert measures["memory"] == pytest.approx(used, abs=3)
    assert measures.get("swap", 0.0) == pytest.approx(swap, abs=1)
    assert disk_reading.measures[0].value == pytest.approx(psutil.disk_usage("/tmp").percent, abs=1)
    percent = 100 * psutil.getloadavg()[1] / (psutil.cpu_count() or 1)
    assert load_reading.measures[0].value == pytest.approx(percent, abs=10)
    assert cpu.Check(warning=None).observe().measures[0].value == pytest.approx(busy, abs=3), "since the boot"


@pytest.fixture
def ram(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that sets percent available, percent of swap used and the pressure file."""

    def now(available: float, swap: float = 0.0, pressure: float | None = 0.0) -> None:
        host = SimpleNamespace(total=1000 << 20, available=int(available * 10) << 20)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: host)
        monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(total=1, percent=swap))
        file = tmp_path / "memory"
        if pressure is not None:
            file.write_text(f"some avg10=0.00 avg60={pressure:.2f} avg300=0.00 total=1\nfull avg10=0.00\n")
        monkeypatch.setattr(memory, "_PRESSURE", file)

    return now


@pytest.mark.parametrize(
    ("available", "swap", "pressure", "status", "failure_class", "severity"),
    [
        (11, 0, 0, Status.OK, None, None),
        (10, 0, 0, Status.WARNING, "high", None),
        (50, 90, 0, Status.WARNING, "swap", None),
        (4.9, 0, 9.9, Status.WARNING, "high", None),
        (4.9, 0, 10, Status.CRITICAL, "exhausted", Severity.SEV2),
        (5.1, 0, 90, Status.WARNING, "high", None),
        (4.9, 0, None, Status.WARNING, "high", None),
    ],
)
def test_memory_is_a_finding_when_it_is_used_and_a_page_when_the_host_suffers(
    ram: Any,
    *,
    available: float,
    swap: float,
    pressure: float | None,
    status: Status,
    failure_class: str | None,
    severity: Severity | None,
) -> None:
    ram(available, swap, pressure)

    reading = memory.Check().observe()

    assert (reading.status, reading.failure_class, reading.severity) == (status, failure_class, severity)


def test_the_first_measure_of_memory_is_the_number_that_was_graded(ram: Any) -> None:
    ram(available=50, swap=95)

    reading = memory.Check().observe()

    assert (reading.measures[0].name, reading.measures[0].value, reading.measures[0].limit) == ("swap", 95, 90)


def test_the_memory_of_this_host_answers() -> None:
    assert 0 < memory.Check().observe().measures[0].value < 100


@pytest.mark.parametrize(("five", "status"), [(3.9, Status.OK), (4.0, Status.WARNING), (8.0, Status.CRITICAL)])
def test_load_is_counted_for_each_processor(five: float, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(load.os, "getloadavg", lambda: (9.0, five, 1.0))

    reading = load.Check(critical=4.0).observe()

    assert reading.status is status
    assert (reading.measures[0].value, reading.measures[0].limit) == (five * 50, 200)
