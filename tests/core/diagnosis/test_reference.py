"""The page of causes has one row for each cause, in the order in which they are told."""

from __future__ import annotations

import re
from pathlib import Path

from opsagent.core.diagnosis import Cause

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "causes.md"


def test_the_page_of_causes_has_a_row_for_each_in_the_order_of_rank() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE) == [one.value for one in Cause]
