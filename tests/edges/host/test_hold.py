"""The HOLD file holds, whatever it is and whatever is in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from opsagent.host import hold

if TYPE_CHECKING:
    from pathlib import Path


def test_no_file_holds_nothing(tmp_path: Path) -> None:
    assert hold.held(str(tmp_path / "HOLD")) == ""
    assert hold.held(str(tmp_path / "no" / "HOLD")) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [("moving the database\nuntil noon\n", "moving the database"), ("", "HOLD is there"), ("\n", "HOLD is there")],
)
def test_the_first_line_is_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "HOLD"
    path.write_text(text)

    assert hold.held(str(path)).endswith(reason)


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "HOLD"
    path.write_text("x" * 100_000)

    assert len(hold.held(str(path))) == 200


@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling link", "unreadable bytes"])
def test_anything_of_that_name_holds(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "HOLD"
    make = {
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "dangling link": lambda: path.symlink_to("/nowhere"),
        "unreadable bytes": lambda: path.write_bytes(b"\xff\xfe"),
    }
    make[kind]()

    assert hold.held(str(path))


def test_a_place_that_cannot_be_looked_at_holds() -> None:
    assert "File name too long" in hold.held("/" + "x" * 300)
