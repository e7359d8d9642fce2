"""The token that opens the HTTP door."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import pytest

from opsagent.interfaces.web.token import token_of

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_file_of_the_settings_one_is_made_once_for_our_group_alone(tmp_path: Path) -> None:
    token = token_of("", tmp_path)

    assert len(token) >= 32
    assert token_of("", tmp_path) == token
    assert stat.S_IMODE((tmp_path / "http.token").stat().st_mode) & 0o007 == 0


def test_a_disk_that_was_full_leaves_no_half_of_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("secrets.token_urlsafe", full)
        with pytest.raises(OSError, match="No space left"):
            token_of("", tmp_path)

    assert len(token_of("", tmp_path)) >= 32


def test_the_first_line_of_the_file_that_is_named_is_the_token(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("sixteen-or-more-of-it \nanother line\n")

    assert token_of(str(tmp_path / "mine"), tmp_path) == "sixteen-or-more-of-it"


@pytest.mark.parametrize("text", ["", "short\n", "\x1b[31mred-red-red-red-red", "schlüssel-schlüssel"])
def test_what_is_no_token_opens_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine").write_text(text)

    with pytest.raises(ValueError, match="allowed: one line of 16"):
        token_of(str(tmp_path / "mine"), tmp_path)
