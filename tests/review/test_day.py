"""A day of real logs (recorded on a booted host with nginx, redis and units that fail), reviewed day after day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opsagent.host.journal_day import Line
from opsagent.redact import Redactor
from opsagent.review import kinds as knowing
from opsagent.review.child import Asked, Reviewing, keep, recalled
from opsagent.review.kinds import Kinds

if TYPE_CHECKING:
    from opsagent.core.events.logs import LogsReviewed

DAY = [Line(**line) for line in json.loads(Path(__file__).with_name("day.json").read_text("utf-8"))]
MORNING = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
NEW = Line(source="api.service", priority=3, text="cannot reach replica 10.0.0.7: password=hunter2-hunter2 refused")


def reviewed(kinds: Kinds, day: int, lines: list[Line], hours: float = 24) -> LogsReviewed:
    """Return the review of one more day."""
    until = MORNING + timedelta(days=day)
    asked = Asked(since=until - timedelta(hours=hours), until=until, directory=Path("/nowhere"))
    reviewing = Reviewing(asked, Redactor().redact)
    is_first = not kinds.reviews
    kinds.begin(asked.since, until)
    reviewing.see(kinds, lines)
    return reviewing.told(kinds, is_first=is_first)


@pytest.fixture
def week() -> Kinds:
    kinds = Kinds()
    for day in range(7):
        reviewed(kinds, day, DAY)
    return kinds


def test_the_one_new_kind_of_a_day_is_named_and_nothing_else_is(week: Kinds) -> None:
    found = reviewed(week, 7, [*DAY[:30], NEW, *DAY[30:]])

    assert [(kind.source, kind.count) for kind in found.new] == [("api.service", 1)]
    assert found.new[0].text == "cannot reach replica <ip>: password=[redacted:password:0:0000] refused"
    assert found.more == ()
    assert found.errors + found.warnings == len(DAY) + 1
    assert found.usual == len(DAY)


def test_the_next_day_it_is_known(week: Kinds) -> None:
    reviewed(week, 7, [*DAY, NEW])

    assert reviewed(week, 8, [*DAY, NEW]).new == ()


def test_a_day_becomes_few_kinds_whatever_their_figures(week: Kinds) -> None:
    found = reviewed(
        week, 7, [Line(source=one.source, priority=one.priority, text=one.text.replace("1", "7")) for one in DAY]
    )

    assert found.new == ()
    assert found.kinds < len(DAY) / 2


def test_what_is_far_more_than_usual_is_told_beside_its_usual(week: Kinds) -> None:
    timeouts = [line for line in DAY if line.source == "backup"]
    found = reviewed(week, 7, [*DAY, *timeouts * 40])

    assert [(kind.source, kind.count, kind.usual) for kind in found.more] == [("backup", 41, 1)]


def test_the_first_review_calls_nothing_new_and_the_usual_of_minutes_is_not_known() -> None:
    kinds = Kinds()
    first = reviewed(kinds, 0, DAY)
    soon = reviewed(kinds, 1, [*DAY, NEW], hours=0.2)

    assert (first.is_first, first.new, first.usual) == (True, (), None)
    assert (soon.new_kinds, soon.usual, soon.more) == (1, None, ())


def test_what_was_learned_is_read_back_the_same(week: Kinds) -> None:
    again = knowing.read(knowing.written(week))

    assert knowing.written(again) == knowing.written(week)
    assert reviewed(again, 7, [*DAY, NEW]).new == reviewed(week, 7, [*DAY, NEW]).new


def test_a_kind_that_was_not_seen_for_a_month_is_new_again(week: Kinds) -> None:
    reviewed(week, 40, [])
    again = knowing.read(knowing.written(week))

    assert reviewed(again, 41, DAY).new_kinds > 0


def test_a_flood_of_lines_that_have_nothing_in_common_stays_bounded() -> None:
    kinds, sizes = Kinds(), []
    kinds.begin(MORNING, MORNING + timedelta(days=1))
    for flood in range(2):
        for number in range(20_000):
            source = "one.service" if number % 2 else f"s{flood}{number}.service"
            kinds.see(source, 4, " ".join(f"{number * prime:x}{flood}" for prime in range(7, 7 + number % 30)))
        sizes.append(len(knowing.written(kinds)))

    assert len(kinds.sources) <= knowing.MOST_SOURCES + 1
    assert max(len(source.kinds) for source in kinds.sources.values()) <= knowing.MOST_OF_SOURCE + 1
    assert sizes[1] < 1.1 * sizes[0] < 1_000_000
    assert sum(kind.count for kind in (one.kind for one in kinds.seen())) == 40_000


def test_a_review_that_was_never_recorded_is_repeated_word_for_word(tmp_path: Path) -> None:
    begin = MORNING + timedelta(days=3)
    kinds = recalled(tmp_path, begin)
    reviewed(kinds, 3, DAY)
    keep(tmp_path, kinds)

    once = recalled(tmp_path, begin)  # recorded: the next one begins where it ended
    first = reviewed(once, 4, [*DAY, NEW])
    keep(tmp_path, once)
    twice = recalled(tmp_path, begin)  # killed before that was recorded: it begins there again
    second = reviewed(twice, 4, [*DAY, NEW])

    assert first == second
    assert first.new_kinds == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"until": "yesterday"}', "\x00"])
def test_what_cannot_be_read_is_begun_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "kinds.json").write_text(content)

    assert recalled(tmp_path, MORNING).reviews == []


def test_no_secret_is_kept(week: Kinds) -> None:
    reviewed(week, 7, [NEW])

    assert "hunter2" not in knowing.written(week)
