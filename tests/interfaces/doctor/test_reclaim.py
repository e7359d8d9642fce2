"""What of `reclaim` would free nothing is named by `doctor`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.reclaim import OldFiles, Reclaim
from opsagent.interfaces.doctor.finding import Level
from opsagent.interfaces.doctor.reclaim import examine

if TYPE_CHECKING:
    from pathlib import Path


def wanted(*paths: Path) -> Reclaim:
    week = timedelta(days=7)
    return Reclaim(directories=tuple(OldFiles(path=str(path), pattern="*", older_than=week) for path in paths))


def test_directories_that_are_not_there_or_behind_a_link_are_named(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)

    found = list(examine(wanted(tmp_path / "there", tmp_path / "gone", tmp_path / "link" / "there")))

    assert [one.level for one in found] == [Level.WARN, Level.WARN]
    assert f"there is no directory {tmp_path / 'gone'}" in found[0].text
    assert f"{tmp_path / 'link'} is a link" in found[1].text


def test_all_is_well_where_all_are_there_and_nothing_is_said_where_nothing_is_wanted(tmp_path: Path) -> None:
    (found,) = examine(wanted(tmp_path))

    assert found.level is Level.OK
    assert list(examine(Reclaim())) == []
