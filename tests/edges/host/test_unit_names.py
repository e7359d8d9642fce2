"""Unit names and their object paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.host.unit_names import name_of, object_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("plain.service", "plain_2eservice"),
        ("user@1000.service", "user_401000_2eservice"),
        ("a-b_c.service", "a_2db_5fc_2eservice"),
        (r"dev-disk\x2d1.swap", "dev_2ddisk_5cx2d1_2eswap"),
    ],
)
def test_a_name_is_spelled_as_systemd_spells_it(name: str, path: str) -> None:
    assert object_path(name) == f"/org/freedesktop/systemd1/unit/{path}"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_path_spells_its_name_back(name: str) -> None:
    assert name_of(object_path(name)) == name


@given(st.text())
def test_a_path_never_holds_more_than_letters_digits_and_underscores(name: str) -> None:
    spelled = object_path(name).rpartition("/")[2]

    assert all(sign == "_" or (sign.isascii() and sign.isalnum()) for sign in spelled)


def test_another_object_is_no_unit() -> None:
    assert name_of("/org/freedesktop/systemd1/job/17") is None
