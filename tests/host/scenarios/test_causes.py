"""Each cause made for real, all at once on one host, and what opsagent says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.harness import Host
from tests.host.scenarios.failures import FAILURES, PAGE, RENEW, play, table
from tests.host.scenarios.stage import Stage, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.scenarios.stage import Incident


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Incident]]:
    """Yield what was said on a host whose journal hears the kernel: it tells of memory and of crashes."""
    host = Host.up("causes", installed=True, kernel_log=True)
    furnish(host)
    yield play(Stage(host))
    host.down()


def test_each_cause_is_named_first_from_a_real_failure(found: dict[str, Incident]) -> None:
    said = {one.name: (found[one.name]["cause"], one.words in found[one.name]["because"]) for one in FAILURES}
    assert said == {one.name: (one.cause, True) for one in FAILURES}


def test_the_page_shows_what_was_said_word_for_word(found: dict[str, Incident]) -> None:
    shown = PAGE.read_text().splitlines()
    assert [line for line in table(found).splitlines() if line not in shown] == [], f"renew it: {RENEW}"
