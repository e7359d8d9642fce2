"""The archive is read when a file was saved, once it rests, and never without a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.archive import files as archive_files
from opsagent.archive.child import NotReadError
from opsagent.core.policy import Policy
from opsagent.daemon.archive import EVERY, LONGEST_REST, MOST_IN_A_MINUTE, MOST_TRIES, REST, SETTLES, Reader
from opsagent.settings import Settings
from opsagent.settings.options import Layout, Scope

if TYPE_CHECKING:
    from pathlib import Path


class Desk:
    """A reader with its clock and what it told; files are read in this process, which is quicker."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "failures/patterns"
        self.folder.mkdir(parents=True)
        self.now = 0.0
        self.told: list[list[str]] = []
        settings = Settings(
            policy=Policy(host="h"), memory=root, state=root, layout=Layout.STANDALONE, scope=Scope.SYSTEM
        )
        self.reader = Reader(
            settings,
            lambda seen: self.told.append([one.title for one in seen.archive.patterns]),  # type: ignore[union-attr]
            lambda: self.now,
            str,
        )

    def save(self, title: str, name: str = "a.md") -> None:
        (self.folder / name).write_text(f"---\ntitle: {title}\nmatch: {{unit: x}}\n---\n")

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.reader.look()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    def read(root: Path, layout: str, names: list[str]) -> tuple[archive_files.FileRead, ...]:
        return archive_files.read(root, layout, names)

    monkeypatch.setattr("opsagent.archive.child.read", read)
    return Desk(tmp_path)


def test_what_is_saved_is_read_once_it_rests_and_only_then(desk: Desk) -> None:
    desk.look(3)
    desk.save("one")
    desk.look()
    assert desk.told == [[]]
    desk.look(3)
    assert desk.told == [[], ["one"]]

    desk.save("two", "b.md")
    (desk.folder / "a.md").unlink()
    desk.look(3)
    assert desk.told[-1] == ["two"]


def test_a_folder_that_is_slow_to_look_at_is_looked_at_rarely(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    took = iter((0.0, 0.1, 3600.0))  # the last: the host slept

    def slow(*_: object) -> dict[str, archive_files.Stamp]:
        desk.now += next(took)
        return {}

    monkeypatch.setattr("opsagent.archive.files.stamps", slow)
    for rest in (EVERY, REST * 0.1, LONGEST_REST):
        desk.look()
        assert desk.reader.rest == pytest.approx(rest)


def test_a_heavy_reading_is_no_reason_to_look_rarely(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def heavy(root: Path, layout: str, names: list[str]) -> tuple[archive_files.FileRead, ...]:
        desk.now += 9.0
        return archive_files.read(root, layout, names)

    monkeypatch.setattr("opsagent.archive.child.read", heavy)
    desk.save("one")
    desk.look(2)

    assert (desk.told, desk.reader.rest) == ([["one"]], EVERY)


def test_a_file_that_never_rests_is_read_all_the_same_and_not_for_ever(desk: Desk) -> None:
    desk.look()
    for number in range(200):
        desk.save("x" * (number + 1))
        desk.look()

    assert SETTLES <= len(desk.told) <= MOST_IN_A_MINUTE
    desk.now = 61.0
    desk.look(2)
    assert desk.told[-1] == ["x" * 200]


def test_a_reader_that_was_ended_is_tried_again_and_what_is_known_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.save("one")
    desk.look(2)

    def ended(*_: object) -> None:
        raise NotReadError("signal 15")

    with monkeypatch.context() as broken:
        broken.setattr("opsagent.archive.child.read", ended)
        desk.save("two", "b.md")
        desk.look(3)
        assert desk.told == [["one"]]
    desk.look()
    assert desk.told[-1] == ["one", "two"]

    monkeypatch.setattr("opsagent.archive.child.read", ended)
    desk.save("three", "c.md")
    desk.look(5)
    assert desk.told[-1] == ["one", "two"]
    assert len(desk.told) == 3


def test_what_was_read_before_the_reader_was_ended_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.save("one")
    desk.save("two", "b.md")

    def ended(root: Path, layout: str, names: list[str]) -> None:
        raise NotReadError("it took too long", archive_files.read(root, layout, names[:1]))

    monkeypatch.setattr("opsagent.archive.child.read", ended)
    desk.look(MOST_TRIES)

    assert desk.told == [["one"]]
