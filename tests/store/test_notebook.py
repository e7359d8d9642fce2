"""What a check keeps from one look to the next is there after a restart, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opsagent.store.notebook import NAME, Notebook

if TYPE_CHECKING:
    from pathlib import Path


def keep(book: Notebook, check: str, text: str) -> None:
    book.hold(check, text)
    book.write(check, text)


def test_what_is_only_held_is_for_the_next_look_and_for_no_other_daemon(tmp_path: Path) -> None:
    book = Notebook(tmp_path)
    keep(book, "login", "first")
    book.hold("login", "second")
    seen = (book.read("login"), book.held("login"), Notebook(tmp_path).read("login"))

    book.drop("login")

    assert seen == ("second", "second", "first")
    assert (book.read("login"), book.held("login")) == ("first", None)


def test_a_check_that_has_left_the_settings_leaves_no_note_behind(tmp_path: Path) -> None:
    book = Notebook(tmp_path)
    book.hold("login", "late")

    book.forget_others(["other"])
    book.write("login", "late")

    assert Notebook(tmp_path).read("login") == ""


def test_what_was_kept_is_there_for_the_next_daemon(tmp_path: Path) -> None:
    keep(Notebook(tmp_path), "nginx-errors", '{"cursor": "s=1"}')

    assert Notebook(tmp_path).read("nginx-errors") == '{"cursor": "s=1"}'
    assert Notebook(tmp_path).read("another") == ""


def test_what_was_kept_for_checks_that_are_gone_goes_too(tmp_path: Path) -> None:
    book = Notebook(tmp_path)
    for name in ("stays", "goes"):
        keep(book, name, "kept")

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

    keep(book, "check", "kept")

    assert book.read("check") == "kept"
    assert Notebook(tmp_path).read("check") == ""


def test_a_text_that_is_no_utf_8_is_kept_as_well_as_it_can_be(tmp_path: Path) -> None:
    keep(Notebook(tmp_path), "api", "at b\udcff.log")

    assert Notebook(tmp_path).read("api") == "at b?.log"
