"""The made days of a bench are such as the daemon could have written: replayed, they tell what they hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from bench import month
from opsagent.interfaces.cli import build

if TYPE_CHECKING:
    from pathlib import Path


def test_made_days_replayed_with_their_settings_are_as_they_were(tmp_path: Path) -> None:
    path = str(month.fill(tmp_path, 4, datetime.now(UTC), days=1))

    told = CliRunner().invoke(
        build(["replay"]), ["replay", "--settings", path, "--config", path, "--since", "1d", "--json"]
    )

    found = json.loads(told.stdout)
    assert (found["before"]["incidents"], found["differences"]) == (4, [])
    assert found["before"]["repairs"] > 4
    assert found["before"]["pages"] > 0
