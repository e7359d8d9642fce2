"""Each cause made for real, all at once on one host, and what opsagent says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios import failures
from tests.host.scenarios.failures import FAILURES, PAGE, RENEW, table

if TYPE_CHECKING:
    from tests.host.scenarios.stage import Incident


@pytest.fixture(scope="module")
def found() -> dict[str, Incident]:
    return failures.found()


def test_each_cause_is_named_first_from_a_real_failure(found: dict[str, Incident]) -> None:
    wrong = {one.name: found[one.name]["because"] for one in FAILURES if not one.is_told(found[one.name])}
    assert wrong == {}


def test_the_page_shows_what_was_said_word_for_word(found: dict[str, Incident]) -> None:
    shown = PAGE.read_text().splitlines()
    assert [line for line in table(found).splitlines() if line not in shown] == [], f"renew it: {RENEW}"
