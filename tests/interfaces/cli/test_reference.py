"""The reference of the command line is made from the commands, and is never older than they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from opsagent.interfaces.cli import COMMANDS

REFERENCE = Path(__file__).parents[3] / "docs/reference"


def writer() -> Any:
    spec = importlib.util.spec_from_file_location("write_cli", REFERENCE / "write_cli.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_reference_is_as_new_as_the_commands() -> None:
    assert (REFERENCE / "cli.md").read_text() == writer().text(), "run: .venv/bin/python docs/reference/write_cli.py"


def test_every_command_stands_in_it() -> None:
    text = (REFERENCE / "cli.md").read_text()

    assert all(f"## opsagent {name}" in text for name in COMMANDS)
