"""Log files as they are really written: rotated, truncated, replaced, flooded."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from opsagent.host import log_files
from opsagent.host.log_files import MOST_BYTES, FilePlace

if TYPE_CHECKING:
    from pathlib import Path


def lines(news: log_files.FileNews) -> list[str]:
    return [line for _, line in news.lines]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "error.log"
    file.write_text("old\n")
    return file


def look(log: Path, places: list[FilePlace] | None = None) -> log_files.FileNews:
    return log_files.news([str(log)], places)


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_the_first_look_begins_at_the_end_and_the_next_where_that_ended(log: Path) -> None:
    first = look(log)
    append(log, "one\ntwo\n")

    assert lines(first) == []
    assert lines(look(log, first.places)) == ["one", "two"]


def test_a_line_is_read_once_it_is_whole(log: Path) -> None:
    first = look(log)
    append(log, "one\nhal")
    second = look(log, first.places)
    append(log, "f\n")

    assert lines(second) == ["one"]
    assert lines(look(log, second.places)) == ["half"]


def test_a_file_renamed_and_made_anew_is_read_to_its_end_and_the_new_one_from_its_beginning(log: Path) -> None:
    first = look(log)
    append(log, "before\n")
    log.rename(log.with_name("error.log.1"))
    append(log, "after\n")
    second = look(log, first.places)
    append(log.with_name("error.log.1"), "late\n")  # its writer still had it open

    assert sorted(lines(second)) == ["after", "before"]
    assert second.missed == []
    assert lines(look(log, second.places)) == ["late"]


def test_a_file_copied_and_truncated_is_begun_anew_and_says_so(log: Path) -> None:
    append(log, "more\n" * 10)
    first = look(log)
    shutil.copy(log, log.with_name("error.log.1"))
    os.truncate(log, 0)
    append(log, "new\n")
    second = look(log, first.places)

    assert lines(second) == ["new"]
    assert "begun anew" in second.missed[0]


def test_a_truncated_file_that_has_grown_past_its_old_end_is_known_by_its_first_bytes(log: Path) -> None:
    first = look(log)
    os.truncate(log, 0)
    append(log, "something else\n")

    assert lines(look(log, first.places)) == ["something else"]


def test_a_file_that_is_gone_with_its_last_lines_is_told(log: Path) -> None:
    first = look(log)
    append(log, "lost\n")
    log.rename(log.with_name("error.log.1.gz"))
    log.write_text("new\n")
    second = look(log, first.places)

    assert lines(second) == ["new"]
    assert "last lines may be missing" in second.missed[0]


def test_a_flood_is_read_from_its_end_and_what_was_passed_over_is_said(log: Path) -> None:
    first = look(log)
    append(log, "x" * 99 + "\n" * 1)
    append(log, ("y" * 99 + "\n") * (3 * MOST_BYTES // 100))
    second = look(log, first.places)

    assert 0 < sum(map(len, lines(second))) <= MOST_BYTES
    assert "passed over" in second.missed[0]
    assert lines(look(log, second.places)) == []


def test_a_line_without_an_end_does_not_hold_up_the_rest(log: Path) -> None:
    first = look(log)
    append(log, "z" * 100_000)
    second = look(log, first.places)
    append(log, "\nnext\n")

    assert [len(line) for line in lines(second)] == [log_files.LONGEST_LINE]
    assert lines(look(log, second.places)) == ["next"]


def test_a_pattern_finds_files_that_come_later_and_leaves_compressed_ones(tmp_path: Path, log: Path) -> None:
    pattern = str(tmp_path / "*.log*")
    first = log_files.news([pattern], None)
    (tmp_path / "app.log").write_text("hello\n")
    (tmp_path / "app.log.2.gz").write_text("packed\n")

    assert lines(log_files.news([pattern], first.places)) == ["hello"]


def test_what_is_no_file_is_refused_where_it_is_named_and_told_where_it_was_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")

    with pytest.raises(OSError, match="no regular file"):
        log_files.news([str(tmp_path / "pipe.log")], None)
    assert "no regular file" in log_files.news([str(tmp_path / "*.log")], None).missed[0]
