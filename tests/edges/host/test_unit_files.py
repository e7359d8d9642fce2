"""The text of the units that are made from the settings: a word of the settings is a word, never a directive."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from opsagent.core.acts import Act
from opsagent.host import unit_files

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "/bin/echo", 'a "b"', "50%", "$HOME", "${X}", "back\\slash", "semi;colon", "%n", "#", "'", "a=b", "-", "", "ä"
)  # fmt: skip


def act(**more: object) -> Act:
    return Act(name="web", command=HOSTILE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "one",
    [
        act(),
        act(writes=("/srv/a b", "/srv/50%")),
        act(capabilities=("CAP_KILL", "CAP_NET_ADMIN")),
        act(sandbox=False),
    ],
)
def test_systemd_finds_no_fault_with_an_act(tmp_path: Path, one: Act) -> None:
    (tmp_path / one.unit).write_text(unit_files.act(one))

    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / one.unit], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stderr) == (0, "")


def test_an_act_has_none_of_roots_rights_unless_it_asks_for_some() -> None:
    lines = unit_files.act(act()).splitlines()

    assert "CapabilityBoundingSet=" in lines
    assert "ProtectSystem=strict" in lines
    assert "CapabilityBoundingSet=CAP_KILL" in unit_files.act(act(capabilities=("CAP_KILL",))).splitlines()
    assert not [line for line in unit_files.act(act(sandbox=False)).splitlines() if line.startswith("Protect")]


def test_every_word_stands_for_itself() -> None:
    assert unit_files.quoted(['a "b"', "50%", "$HOME", "c\\d"]) == '"a \\"b\\"" "50%%" "$$HOME" "c\\\\d"'
