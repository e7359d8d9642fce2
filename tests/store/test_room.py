from pathlib import Path

from opsagent.store.room import LEAST_FREE, LEAST_INODES, MEBIBYTE, Room, measure

GOOD = Room(used=10 * MEBIBYTE, free=LEAST_FREE, inodes=LEAST_INODES)


def test_it_adds_up_what_lies_below_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(b"x" * MEBIBYTE)
    (tmp_path / "link").symlink_to("/usr")

    room = measure(tmp_path)

    assert MEBIBYTE <= room.used < 2 * MEBIBYTE
    assert room.free > 0


def test_it_warns_before_the_cap_and_not_earlier() -> None:
    assert GOOD.complaint(cap=100 * MEBIBYTE) == ""
    assert "takes 10 MiB of the 12 MiB" in GOOD.complaint(cap=12 * MEBIBYTE)


def test_it_warns_of_a_disk_that_is_nearly_full() -> None:
    assert "has 63 MiB left" in Room(used=0, free=LEAST_FREE - 1, inodes=None).complaint()


def test_it_warns_when_no_file_can_be_made_soon() -> None:
    assert "999 inodes left" in Room(used=0, free=LEAST_FREE, inodes=LEAST_INODES - 1).complaint()
    assert Room(used=0, free=LEAST_FREE, inodes=None).complaint() == ""
