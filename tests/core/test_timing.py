"""Wall times over clock changes, and planned windows that begin at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.core.maintenance import began_at, is_open, window_for
from opsagent.core.policy import Maintenance, Policy
from opsagent.core.timing import elapsed, local, resolve, spoken

ZONES = (
    *("Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Beirut", "Africa/Cairo", "Australia/Lord_Howe"),
    *("Africa/Casablanca", "Asia/Kolkata", "Pacific/Apia", "Pacific/Chatham", "America/St_Johns", "UTC"),
)
BERLIN, NEW_YORK, SANTIAGO, BEIRUT, CAIRO = ZONES[:5]
VECTORS = [
    (BERLIN, "2026-03-23T09:00", "2026-03-23T08:00"),
    (BERLIN, "2026-03-30T09:00", "2026-03-30T07:00"),
    (BERLIN, "2026-10-19T09:00", "2026-10-19T07:00"),
    (BERLIN, "2026-10-26T09:00", "2026-10-26T08:00"),
    (BERLIN, "2026-03-28T02:30", "2026-03-28T01:30"),
    (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00"),
    (BERLIN, "2026-03-30T02:30", "2026-03-30T00:30"),
    (BERLIN, "2026-10-24T02:30", "2026-10-24T00:30"),
    (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30"),
    (BERLIN, "2026-10-26T02:30", "2026-10-26T01:30"),
    (NEW_YORK, "2026-03-07T17:00", "2026-03-07T22:00"),
    (NEW_YORK, "2026-03-08T17:00", "2026-03-08T21:00"),
    (NEW_YORK, "2026-10-31T17:00", "2026-10-31T21:00"),
    (NEW_YORK, "2026-11-01T17:00", "2026-11-01T22:00"),
    (SANTIAGO, "2026-09-05T00:00", "2026-09-05T04:00"),
    (SANTIAGO, "2026-09-06T00:00", "2026-09-06T04:00"),
    (SANTIAGO, "2026-09-07T00:00", "2026-09-07T03:00"),
    (BEIRUT, "2026-03-28T00:00", "2026-03-27T22:00"),
    (BEIRUT, "2026-03-29T00:00", "2026-03-28T22:00"),
    (BEIRUT, "2026-03-30T00:00", "2026-03-29T21:00"),
    (CAIRO, "2026-04-23T00:00", "2026-04-22T22:00"),
    (CAIRO, "2026-04-24T00:00", "2026-04-23T22:00"),
    (CAIRO, "2026-04-25T00:00", "2026-04-24T21:00"),
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "wall", "moment"), VECTORS)
def test_a_wall_time_is_the_first_of_two_and_the_first_after_a_gap(zone: str, wall: str, moment: str) -> None:
    assert resolve(datetime.fromisoformat(wall), zone) == utc(moment)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 365 * 6), st.integers(0, 47))
def test_daily_wall_times_follow_each_other_and_are_a_day_apart(zone: str, day: int, half_hour: int) -> None:
    wall = datetime(2022, 1, 1) + timedelta(days=day, minutes=30 * half_hour)  # noqa: DTZ001 - a wall time has no zone
    one, next_one = resolve(wall, zone), resolve(wall + timedelta(days=1), zone)

    assert timedelta(hours=22) <= next_one - one <= timedelta(hours=26)
    shown = one.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert timedelta() <= shown - wall <= timedelta(hours=1)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["02:00", "02:30", "00:00", "Sun 02:00", "Sun 02:30"]),
    st.integers(0, 365 * 2 * 24 * 4),
)
def test_a_window_is_open_from_its_begin_for_its_length_and_no_longer(zone: str, begins: str, quarter: int) -> None:
    window = Maintenance(checks=("all",), begins=begins, lasts=timedelta(hours=2), zone=zone)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=15) * quarter

    began = began_at(window, now)

    assert began is not None
    assert began <= now < began + timedelta(days=8)
    assert is_open(window, now) == (now - began < timedelta(hours=2))
    assert began_at(window, began) == began
    assert is_open(window, began)
    assert not is_open(window, began + timedelta(hours=2))


def test_a_window_that_begins_in_the_missing_hour_begins_right_after_it() -> None:
    window = Maintenance(checks=("api",), begins="Sun 02:30", lasts=timedelta(hours=1), zone=BERLIN)

    assert not is_open(window, utc("2026-03-29T00:59"))
    assert is_open(window, utc("2026-03-29T01:00"))
    assert not is_open(window, utc("2026-03-29T02:00"))


def test_a_window_that_begins_in_the_hour_that_comes_twice_opens_once() -> None:
    window = Maintenance(checks=("api",), begins="Sun 02:30", lasts=timedelta(minutes=30), zone=BERLIN)

    assert is_open(window, utc("2026-10-25T00:30"))
    assert not is_open(window, utc("2026-10-25T01:30"))


def test_a_window_of_one_day_opens_once_in_its_zone() -> None:
    window = Maintenance(checks=("api",), begins="2026-11-18T22:00", lasts=timedelta(hours=4), zone=BERLIN)

    assert not is_open(window, utc("2026-11-18T20:59"))
    assert is_open(window, utc("2026-11-18T21:00"))
    assert is_open(window, utc("2026-11-19T00:59"))
    assert not is_open(window, utc("2026-11-19T21:00"))


def test_a_window_is_for_its_checks_and_the_one_without_repairs_speaks_first() -> None:
    mild = Maintenance(checks=("all",), begins="00:00", lasts=timedelta(hours=24), zone="UTC")
    strict = Maintenance(checks=("api",), begins="00:00", lasts=timedelta(hours=24), zone="UTC", repairs=True)
    policy = Policy(host="web-1", maintenance=(mild, strict))
    noon = utc("2026-11-18T12:00")

    assert window_for(policy, "api", noon) is strict
    assert window_for(policy, "redis", noon) is mild


def test_a_moment_in_the_future_counts_as_long_ago() -> None:
    noon = utc("2026-11-18T12:00")

    assert elapsed(noon, noon) == timedelta()
    assert elapsed(noon + timedelta(seconds=1), noon) == timedelta.max


def test_local_time_knows_the_summer() -> None:
    assert local(utc("2026-07-01T12:00"), BERLIN).hour == 14
    assert local(utc("2026-12-01T12:00"), BERLIN).hour == 13


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (9.99, "10 s"),
        (45, "45 s"),
        (119, "119 s"),
        (720, "12 min"),
        (3600, "1 h"),
        (20220, "5 h 37 min"),
        (31 * 86400, "31 d"),
    ],
)
def test_spans_are_said_as_an_operator_says_them(seconds: float, said: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == said


def test_a_single_window_may_be_written_with_a_space() -> None:
    window = Maintenance(checks=("all",), begins="2026-03-01 02:00", lasts=timedelta(hours=1), zone="UTC")

    assert is_open(window, datetime(2026, 3, 1, 2, 30, tzinfo=UTC))
    assert not is_open(window, datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
