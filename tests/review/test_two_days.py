"""Two recorded days of a host on which everything goes wrong: the review of the second names what is new."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.host import journal
from opsagent.redact import Redactor
from opsagent.review.child import Asked, Reviewing
from tests.review import recorded
from tests.review.recorded import BEGIN, DAY

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.core.events.logs import LogsReviewed


class Mornings:
    """The reviews of the mornings, over the journal and the log files as they were then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "log").mkdir()

    def review(self, day: int, rows: list[dict[str, Any]] | None = None) -> LogsReviewed:
        recorded.append_files(self.folder / "log", day, rows)
        asked = Asked(
            since=BEGIN + day * DAY,
            until=BEGIN + (day + 1) * DAY,
            directory=self.folder / "review",
            files=(str(self.folder / "log" / "*.log"),),
        )
        return Reviewing(asked, Redactor().redact).review()


@pytest.fixture
def mornings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mornings:
    monkeypatch.setattr(journal, "answered", recorded.journal)
    return Mornings(tmp_path)


def test_the_second_day_names_exactly_what_is_new_and_the_rest_as_counts(mornings: Mornings) -> None:
    first, second = mornings.review(0), mornings.review(1)

    assert (first.is_first, first.new_kinds, first.missed) == (True, 0, ())
    assert [(kind.text, kind.priority) for kind in second.new] == [
        ("postgres@shop FATAL: sorry, too many clients already", 2)
    ]
    assert second.new[0].source.endswith("/postgresql-15-main.log")
    assert (second.new[0].count, second.new[0].usual) == (9, 0)
    assert (second.new_kinds, second.more, second.missed) == (1, (), ())
    assert second.errors + second.warnings > 400
    assert second.kinds < 80


def test_what_programs_print_counts_by_its_words(mornings: Mornings) -> None:
    mornings.review(0)
    shop = {kind.text: kind for kind in mornings.review(1).most if kind.source == "shop.service"}

    served = shop["ERROR shop[<n>] cannot serve order <id> of customer <n>"]
    assert served.priority == 3
    assert abs(served.count - served.usual) < 10


def test_other_figures_addresses_and_ids_are_no_other_kind(mornings: Mornings, monkeypatch: pytest.MonkeyPatch) -> None:
    mornings.review(0)
    dice = random.Random(1)
    other = [{name: _rolled(value, dice) for name, value in row.items()} for row in recorded.everything()]
    monkeypatch.setattr(journal, "answered", lambda asked, _: recorded.journal(asked, rows=other))

    second = mornings.review(1, other)

    assert [kind.text for kind in second.new] == ["postgres@shop FATAL: sorry, too many clients already"]


def _rolled(value: Any, dice: random.Random) -> Any:
    """Return a text with other digits; a priority, a process's number and the sign of a hexadecimal one stay."""
    if not isinstance(value, str) or value.isdigit() or value.startswith("/"):
        return value
    return re.sub("[0-9](?!x)", lambda _: str(dice.randrange(10)), value)
