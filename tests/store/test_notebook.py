"""What a check keeps from one look to the next is there after a restart, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.store.notebook import NAME, Notebook

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_kept_is_there_for_the_next_daemon(tmp_path: Path) -> None:
    Notebook(tmp_path).write("nginx-errors", '{"cursor": "s=1"}')

    assert Notebook(tmp_path).read("nginx-errors") == '{"cursor": "s=1"}'
    assert Notebook(tmp_path).read("another") == ""


def test_what_was_kept_for_checks_that_are_gone_goes_too(tmp_path: Path) -> None:
    book = Notebook(tmp_path)
    for name in ("stays", "goes"):
        book.write(name, "kept")

    book.forget_others(["stays"])

    assert [path.name for path in (tmp_path / NAME).iterdir()] == ["stays"]
    assert (book.read("stays"), book.read("goes")) == ("kept", "")


@pytest.mark.parametrize("kind", ["link", "bytes", "directory"])
def test_what_is_no_note_of_ours_is_nothing(tmp_path: Path, kind: str) -> None:
    (tmp_path / NAME).mkdir()
    secret = tmp_path / "secret"
    secret.write_text("of another")
    path = tmp_path / NAME / "check"
    {"link": lambda: path.symlink_to(secret), "bytes": lambda: path.write_bytes(b"\xff"), "directory": path.mkdir}[
        kind
    ]()

    assert Notebook(tmp_path).read("check") == ""


def test_a_disk_that_refuses_costs_only_the_next_start(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("in the way")
    book = Notebook(tmp_path)

    book.write("check", "kept")

    assert book.read("check") == "kept"
    assert Notebook(tmp_path).read("check") == ""
