"""Crontab's lines: what they mean, and when they are due, also on the two days when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.cron import NICKNAMES, next_after, parse

BERLIN = "Europe/Berlin"
ZONES = st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
NUMBERS = {0: (0, 59), 1: (0, 23), 2: (1, 28), 3: (1, 12), 4: (0, 7)}


@st.composite
def fields(draw: st.DrawFn, place: int) -> str:
    least, most = NUMBERS[place]
    low = draw(st.integers(least, most))
    high = draw(st.integers(low, most))
    step = draw(st.integers(1, 20))
    return draw(st.sampled_from(["*", "*", str(low), f"{low}-{high}", f"{low}-{high}/{step}", f"*/{step}"]))


LINES = st.tuples(*(fields(place) for place in NUMBERS)).map(" ".join)


def walls(line: str, begin: str, count: int, zone: str = BERLIN) -> list[str]:
    """Return the next times as the wall shows them."""
    at, found = datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC), []
    for _ in range(count):
        at = next_after(parse(line), at, zone)
        found.append(at.astimezone(ZoneInfo(zone)).strftime("%a %m-%d %H:%M %Z"))
    return found


def test_the_fields_are_minute_hour_day_month_weekday() -> None:
    assert walls("30 2 * * *", "2026-11-18T12:00", 2) == ["Thu 11-19 02:30 CET", "Fri 11-20 02:30 CET"]
    assert walls("0 9-17/4 * * mon-fri", "2026-11-20T13:00", 2) == ["Fri 11-20 17:00 CET", "Mon 11-23 09:00 CET"]
    assert walls("5,35 0 1 jan,JUL *", "2026-11-20T13:00", 2) == ["Fri 01-01 00:05 CET", "Fri 01-01 00:35 CET"]
    assert walls("0 0 * * 7", "2026-11-18T12:00", 1) == walls("@weekly", "2026-11-18T12:00", 1)


def test_of_two_days_that_are_given_one_is_enough_and_a_star_leaves_it_to_the_other() -> None:
    assert walls("0 0 13 * fri", "2026-11-18T12:00", 4) == [
        "Fri 11-20 00:00 CET",
        "Fri 11-27 00:00 CET",
        "Fri 12-04 00:00 CET",
        "Fri 12-11 00:00 CET",
    ]
    assert walls("0 0 13 * *", "2026-11-18T12:00", 1) == ["Sun 12-13 00:00 CET"]
    assert walls("0 0 */13 * fri", "2026-11-18T12:00", 1) == ["Fri 11-27 00:00 CET"]


def test_what_falls_into_the_hour_that_is_left_out_in_spring_runs_right_after_it() -> None:
    assert walls("30 2 * * *", "2026-03-28T12:00", 2) == ["Sun 03-29 03:00 CEST", "Mon 03-30 02:30 CEST"]
    assert walls("*/30 2 * * *", "2026-03-28T12:00", 1) == ["Mon 03-30 02:00 CEST"]
    assert walls("0 * * * *", "2026-03-29T00:30", 3) == [
        "Sun 03-29 01:00 CET",
        "Sun 03-29 03:00 CEST",
        "Sun 03-29 04:00 CEST",
    ]


def test_in_the_hour_that_comes_twice_in_autumn_only_what_runs_often_runs_twice() -> None:
    assert walls("30 2 * * *", "2026-10-24T12:00", 2) == ["Sun 10-25 02:30 CEST", "Mon 10-26 02:30 CET"]
    assert walls("30 * * * *", "2026-10-25T01:40", 3) == [
        "Sun 10-25 02:30 CEST",
        "Sun 10-25 02:30 CET",
        "Sun 10-25 03:30 CET",
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("5/15 * * * *", "*/0 * * * *", "5-1 * * * *", "* * * * fri-mon", "x * * * *", "1,,2 * * * *", "@reboot"),
        *("0 0 31 2 *", "0 0 31 feb,apr *", "٣ * * * *", "*/٣ * * * *", "1-2-3 * * * *", "-1 * * * *", "mon * * * *"),
    ],
)
def test_what_cron_would_not_take_is_refused_with_what_is_allowed(line: str) -> None:
    with pytest.raises(ValueError, match=r"^cannot (read|use) .*(allowed|there is no such day)"):
        parse(line)


def test_a_leap_day_that_must_be_a_certain_weekday_is_found_however_rare_it_is() -> None:
    assert walls("0 0 29 2 */7", "2026-11-18T12:00", 1, "UTC") == ["Sun 02-29 00:00 UTC"]


def test_the_words_mean_the_lines_that_cron_gives_them() -> None:
    assert {parse(word) == parse(line) for word, line in NICKNAMES.items()} == {True}


@given(LINES, MOMENTS, ZONES)
def test_the_next_time_is_later_and_none_is_skipped(line: str, at: datetime, zone: str) -> None:
    cron = parse(line)
    due = next_after(cron, at, zone)
    between = at + (due - at) / 2

    assert due > at
    assert next_after(cron, between, zone) == due
    assert next_after(cron, due - timedelta(microseconds=1), zone) == due


@given(LINES, MOMENTS, ZONES)
def test_a_time_that_is_due_shows_on_the_wall_or_ends_the_hour_that_was_left_out(
    line: str, at: datetime, zone: str
) -> None:
    cron = parse(line)
    due = next_after(cron, at, zone)
    wall = due.astimezone(ZoneInfo(zone))
    shown = wall.minute in cron.minutes and wall.hour in cron.hours and cron.is_day(wall.date())
    before = (due - timedelta(seconds=1)).astimezone(ZoneInfo(zone))

    assert shown or (cron.fixed and before.utcoffset() != wall.utcoffset())
    assert wall.second == 0


@given(st.integers(0, 59), st.integers(0, 23), MOMENTS, ZONES)
def test_a_fixed_time_is_due_once_on_each_day(minute: int, hour: int, at: datetime, zone: str) -> None:
    cron = parse(f"{minute} {hour} * * *")
    first = next_after(cron, at, zone)
    second = next_after(cron, first, zone)
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in (first, second)]

    assert days[1] - days[0] == timedelta(days=1)
