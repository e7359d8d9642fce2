"""Mounts, read from lines like those of /proc/1/mountinfo."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from opsagent.host.mounts import Mount, mount_of, mounts, parse, space_of, watched_mounts

if TYPE_CHECKING:
    from pathlib import Path

LINES = r"""
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
23 22 0:5 / /proc rw - proc proc rw
24 22 254:2 / /srv ro,relatime - xfs /dev/vdb rw
25 22 254:2 /data /var/lib/docker/data rw - xfs /dev/vdb rw
26 22 254:3 / /mnt/my\040disk\011x rw - ext4 /dev/vdc ro
27 22 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
28 22 0:30 / /tmp rw - tmpfs tmpfs rw
29 22 0:40 / /net rw - nfs4 server:/export rw
30 22 0:41 / /box rw - overlay overlay rw
31 24 254:4 / /srv rw shared:9 master:2 - btrfs /dev/vdd rw
"""


@pytest.fixture
def found(tmp_path: Path) -> tuple[Mount, ...]:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mountinfo").write_text(LINES)
    return mounts(tmp_path)


def by_path(found: tuple[Mount, ...]) -> dict[str, Mount]:
    return {mount.path: mount for mount in found}


def test_a_line_is_read_with_any_number_of_optional_fields() -> None:
    assert parse("31 24 254:4 / /srv ro shared:9 master:2 - btrfs /dev/vdd rw,subvol=/") == Mount(
        path="/srv", source="/dev/vdd", fs_type="btrfs", device="254:4", read_only=True
    )
    assert parse("nonsense") is None
    assert parse("") is None


def test_escaped_signs_are_given_back(found: tuple[Mount, ...]) -> None:
    assert "/mnt/my disk\tx" in by_path(found)


def test_read_only_is_said_by_the_mount_or_by_its_file_system(found: tuple[Mount, ...]) -> None:
    assert not by_path(found)["/"].read_only
    assert by_path(found)["/mnt/my disk\tx"].read_only


def test_of_two_mounts_at_one_path_the_later_is_on_top(found: tuple[Mount, ...]) -> None:
    assert by_path(found)["/srv"].fs_type == "btrfs"


def test_disks_and_network_are_watched_and_each_device_once(found: tuple[Mount, ...]) -> None:
    watched = watched_mounts(found)

    assert [mount.path for mount in watched] == ["/", "/mnt/my disk\tx", "/net", "/srv", "/var/lib/docker/data"]
    assert [mount.path for mount in watched if mount.network] == ["/net"]


def test_a_bind_mount_of_a_watched_device_is_not_watched_again() -> None:
    lines = ("24 22 254:2 / /srv rw - xfs /dev/vdb rw", "25 22 254:2 /data /var/data rw - xfs /dev/vdb rw")

    found = [mount for mount in map(parse, lines) if mount is not None]

    assert [mount.path for mount in watched_mounts(found)] == ["/srv"]


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/etc/passwd", "/"),
        ("/srv", "/srv"),
        ("/srv/www", "/srv"),
        ("/srvother", "/"),
        ("/snap/core/1/bin", "/snap/core/1"),
    ],
)
def test_a_path_lies_on_its_deepest_mount(found: tuple[Mount, ...], path: str, mount: str) -> None:
    lies_on = mount_of(path, found)

    assert lies_on is not None
    assert lies_on.path == mount


def test_without_the_first_process_our_own_view_is_taken(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text("22 1 254:1 / / rw - ext4 /dev/vda1 rw\n")

    assert [mount.path for mount in mounts(tmp_path)] == ["/"]


def test_this_machine_has_a_root() -> None:
    assert mount_of("/", mounts()) is not None


def test_the_room_of_a_file_system_is_that_of_df(tmp_path: Path) -> None:
    space = space_of(str(tmp_path))
    df = subprocess.run(
        ["df", "--output=ipcent,pcent", str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.split()

    percents = [float(word.rstrip("%")) if word != "-" else 0.0 for word in df[-2:]]
    assert [space.inodes_percent, space.percent] == [pytest.approx(one, abs=2) for one in percents]
