"""A bench's page says what was measured, and names what was missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.report import Promise, Result, document, median, p95, table

MISSED = Promise(what="sweep", promised="<= 1 s", measured="2 s", met=False, because="a slow disk")
MET = Promise(what="start", promised="<= 1 s", measured="0.5 s", met=True)


AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SWEEP = Result(name="Sweep", how="As it is.", head=("a", "b"), rows=(("1", "2"),), promises=(MISSED,))
PAST = Result(name="Past", how="Long.", head=("a",), rows=(("1",),), promises=(MET,), notes=("A note.",))


def test_the_page_says_which_promise_was_missed_and_why() -> None:
    page = document([SWEEP, PAST], AT, "Peer: none.")

    assert "missed: a slow disk |" in page
    assert "| start   | <= 1 s | 0.5 s    | met" in page
    assert "## Sweep\n\nAs it is.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nMeasured on 2026-11-21 at 08:00 UTC" in page
    assert page.endswith("\n")


def test_what_was_not_measured_again_stays_on_the_page() -> None:
    old = document([SWEEP, PAST], AT, "Peer: none.")
    again = replace(SWEEP, how="Anew.", promises=(replace(MISSED, measured="0.1 s", met=True),))

    new = document([again], AT + timedelta(days=1), "Peer: none.", old)

    assert [line for line in new.splitlines() if line.startswith("## ")] == ["## Promises", "## Sweep", "## Past"]
    assert new.partition("## Past")[2] == old.partition("## Past")[2]
    assert "Anew." in new
    assert "As it is." not in new
    assert "| sweep   | <= 1 s | 0.1 s    | met |" in new
    assert "| start   | <= 1 s | 0.5 s    | met |" in new


def test_columns_line_up() -> None:
    lines = table(("who", "x"), [("opsagent", "1"), ("Monit", "22")]).splitlines()

    assert {len(line) for line in lines} == {len(lines[0])}


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (4, 4), (20, 19), (100, 95)])
def test_ninety_five_of_a_hundred_are_not_slower_than_the_percentile(count: int, expected: int) -> None:
    assert p95(range(count, 0, -1)) == expected


def test_a_median_is_not_moved_by_one_bad_day() -> None:
    assert median([1.0, 1.1, 90.0]) == 1.1
