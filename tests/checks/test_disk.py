"""The disk check, against real file systems where a number can be made, and set numbers where not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.checks import disk, observe
from opsagent.checks.disk import Check
from opsagent.core.observation import Severity, Status
from opsagent.core.quantity import Bytes
from opsagent.core.space import Space
from opsagent.host.mounts import Mount
from opsagent.host.process import Finished

if TYPE_CHECKING:
    from pathlib import Path

ROOT = Mount(path="/", source="/dev/vda", fs_type="ext4", device="254:0", read_only=False)


@dataclass
class Disk:
    """The file system every look in a test sees."""

    monkeypatch: pytest.MonkeyPatch

    def is_(self, used: int = 0, inodes: int = 0, *, read_only: bool = False, fs_type: str = "ext4") -> None:
        mount = Mount(path="/data", source="server:/x", fs_type=fs_type, device="0:99", read_only=read_only)
        self.monkeypatch.setattr(disk, "mounts", lambda: (ROOT, mount))
        self.monkeypatch.setattr(disk, "_hidden", lambda *_: "")
        self.monkeypatch.setattr(disk.os, "statvfs", lambda _: None)
        self.monkeypatch.setattr(
            disk, "space_of", lambda _: Space(1 << 20, 100, 100 - used, 100 - used, 100, 100 - inodes)
        )

    def clock(self, seconds: float) -> None:
        self.monkeypatch.setattr(disk.time, "monotonic", lambda: seconds)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Disk:
    for state in (disk._was_mounted, disk._was_writable, disk._history, disk._stuck):
        state.clear()
    return Disk(monkeypatch)


@pytest.mark.parametrize(
    ("used", "inodes", "status", "failure_class", "severity", "first"),
    [
        (84, 0, Status.OK, None, None, "disk"),
        (85, 0, Status.WARNING, "full", None, "disk"),
        (90, 0, Status.CRITICAL, "full", None, "disk"),
        (94, 0, Status.CRITICAL, "full", None, "disk"),
        (95, 0, Status.CRITICAL, "full", Severity.SEV2, "disk"),
        (10, 86, Status.WARNING, "inodes", None, "inodes"),
        (86, 95, Status.CRITICAL, "inodes", Severity.SEV2, "inodes"),
    ],
)
def test_bytes_and_inodes_are_graded_and_the_worse_one_comes_first(
    data: Disk,
    *,
    used: int,
    inodes: int,
    status: Status,
    failure_class: str | None,
    severity: Severity | None,
    first: str,
) -> None:
    data.is_(used, inodes)

    reading = observe(Check(path="/data"))

    assert (reading.status, reading.failure_class, reading.severity) == (status, failure_class, severity)
    assert (reading.measures[0].name, reading.measures[0].limit) == (first, 85)


def test_bytes_left_may_be_the_limit(data: Disk) -> None:
    data.is_(used=50)

    assert observe(Check(path="/data", free_below=Bytes(50 << 20))).status is Status.OK
    assert observe(Check(path="/data", free_below=Bytes((50 << 20) + 1))).status is Status.CRITICAL


def test_a_file_system_that_always_was_read_only_is_fine(data: Disk) -> None:
    data.is_(used=10, read_only=True)

    assert observe(Check(path="/data")).status is Status.OK


def test_a_file_system_that_turned_read_only_is_a_page(data: Disk) -> None:
    data.is_(used=10)
    observe(Check(path="/data"))
    data.is_(used=10, read_only=True)

    reading = observe(Check(path="/data/sub"))

    assert (reading.status, reading.failure_class, reading.severity) == (Status.CRITICAL, "readonly", Severity.SEV2)
    assert reading.message == "/data turned read-only (server:/x): nothing can be written"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("/dev/sdb /data ext4 defaults,errors=remount-ro 0 2", Status.CRITICAL),
        ("/dev/sdb /data ext4 ro,noatime 0 2", Status.OK),
        ("# /dev/sdb /data ext4 defaults 0 2", Status.OK),
        ("/dev/sdb /other ext4 defaults 0 2", Status.OK),
        ("broken", Status.OK),
    ],
)
def test_after_a_restart_of_ours_fstab_says_what_it_should_be(
    data: Disk, tmp_path: Path, line: str, status: Status
) -> None:
    (tmp_path / "fstab").write_text(line)
    data.monkeypatch.setattr(disk, "_FSTAB", tmp_path / "fstab")
    data.is_(used=10, read_only=True)

    assert observe(Check(path="/data")).status is status


@pytest.mark.parametrize(
    ("line", "path", "missing"),
    [
        ("LABEL=backup /data/backup ext4 defaults,nofail 0 2", "/data/backup", "/data/backup"),
        ("LABEL=backup /data/backup ext4 defaults 0 2", "/data/backup/monthly", "/data/backup"),
        ("LABEL=backup /data/my\\040backup ext4 defaults 0 2", "/data/my backup", "/data/my backup"),
        ("LABEL=backup /data/backup ext4 noauto 0 2", "/data/backup", ""),
        ("LABEL=backup /data/backup ext4 defaults 0 2", "/data/backups", ""),
        ("LABEL=data /data ext4 defaults 0 2", "/data/sub", ""),
        ("LABEL=swap none swap sw 0 0", "/data", ""),
    ],
)
def test_what_fstab_mounts_must_be_mounted(data: Disk, tmp_path: Path, line: str, path: str, missing: str) -> None:
    (tmp_path / "fstab").write_text(line)
    data.monkeypatch.setattr(disk, "_FSTAB", tmp_path / "fstab")
    data.is_(used=10)

    reading = observe(Check(path=path))

    assert (reading.status, reading.failure_class) == ((Status.CRITICAL, "unmounted") if missing else (Status.OK, None))
    assert reading.message.startswith(f"{missing} is not mounted" if missing else f"{path} is 10 % full")


def test_what_was_mounted_must_stay_mounted(data: Disk) -> None:
    data.is_(used=10)
    observe(Check(path="/data"))
    data.monkeypatch.setattr(disk, "mounts", lambda: (ROOT,))

    reading = observe(Check(path="/data"))

    assert reading.message == "/data is not mounted: what is written to /data goes elsewhere"


@pytest.mark.parametrize(("start", "status"), [(56, Status.CRITICAL), (84, Status.CRITICAL), (85, Status.WARNING)])
def test_a_disk_that_will_be_full_in_under_four_hours_is_a_page(data: Disk, start: int, status: Status) -> None:
    for minute in range(31):
        data.clock(minute * 60.0)
        data.is_(used=start + (86 - start) * minute // 30)
        reading = observe(Check(path="/data"))

    assert reading.status is status
    if status is Status.CRITICAL:
        assert reading.severity is Severity.SEV2
        assert reading.message.endswith(f"of the last half hour full in {14 if start == 56 else 210} min")


def test_a_growing_disk_with_much_room_is_no_finding(data: Disk) -> None:
    for minute in range(31):
        data.clock(minute * 60.0)
        data.is_(used=minute)
        reading = observe(Check(path="/data"))

    assert reading.status is Status.OK


def test_a_network_file_system_is_asked_by_a_child(data: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    data.is_(fs_type="nfs4")
    monkeypatch.setattr(disk, "_STAT", ("/bin/sh", "-c", "echo 1048576 100 5 5 100 90"))

    reading = observe(Check(path="/data"))

    assert reading.message == "/data is 95 % full, 5 MiB left; 10 % of its inodes used"


def test_the_child_really_asks(data: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Mount(path=str(tmp_path), source="server:/x", fs_type="nfs4", device="0:99", read_only=False)
    monkeypatch.setattr(disk, "mounts", lambda: (ROOT, network))
    real = disk.space_of(str(tmp_path))

    reading = observe(Check(path=str(tmp_path), warning=None, critical=None))

    assert reading.status is Status.OK
    assert reading.measures[0].value == pytest.approx(real.percent, abs=1)


def test_a_server_that_hangs_is_a_timeout_and_holds_one_child(data: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    data.is_(fs_type="nfs4")
    started = []

    def hang(argv: Any, **_: Any) -> Finished:
        started.append(argv)
        return Finished(code=None, output=b"", errors=b"", timed_out=True, signal=9, seconds=1)

    monkeypatch.setattr(disk, "run", hang)
    monkeypatch.setattr(disk, "_has_stuck_child", lambda: True)
    check = Check(path="/data", timeout=timedelta(milliseconds=10))

    readings = [observe(check) for _ in range(3)]
    monkeypatch.setattr(disk, "_has_stuck_child", lambda: False)
    observe(check)

    assert [(reading.status, reading.timed_out) for reading in readings] == [(Status.CRITICAL, True)] * 3
    assert readings[0].message == "server:/x behind /data does not answer (nfs4)"
    assert len(started) == 2


def test_a_path_that_is_not_there_is_unknown() -> None:
    reading = observe(Check(path="/nowhere/at/all"))

    assert reading.status is Status.UNKNOWN
    assert reading.message == "cannot look at /nowhere/at/all: no such file or directory"


def test_what_the_sandbox_hides_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = Mount(path="/", source="/dev/other", fs_type="ext4", device="250:7", read_only=False)
    monkeypatch.setattr(disk, "mounts", lambda: (theirs,))

    reading = observe(Check(path="/"))

    assert (reading.status, reading.failure_class) == (Status.UNKNOWN, "sandbox")
    assert "instead of /dev/other" in reading.message


def test_the_disk_of_this_host_answers() -> None:
    reading = observe(Check(path="/", warning=None, critical=None))

    assert reading.status is Status.OK
    assert 0 < reading.measures[0].value < 100


def test_a_path_that_depends_on_where_we_are_is_refused_in_the_settings() -> None:
    with pytest.raises(ValueError, match="write the full path"):
        Check(path="data")
