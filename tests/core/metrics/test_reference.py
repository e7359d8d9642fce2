"""The reference of the metrics is made from the metrics, and is never older than they are."""

from __future__ import annotations

import runpy
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "docs/reference"


def test_the_reference_is_as_new_as_the_metrics() -> None:
    fresh = runpy.run_path(str(FOLDER / "write_metrics.py"))["text"]()

    assert (FOLDER / "metrics.md").read_text() == fresh, "run: .venv/bin/python docs/reference/write_metrics.py"


def test_no_name_is_there_twice() -> None:
    told = runpy.run_path(str(FOLDER / "write_metrics.py"))["everything"]()
    names = [family.name for family in told]

    assert len(names) == len(set(names)) > 35
    assert all(family.samples and family.help for family in told)
