"""How often is too often: counts over a sliding time, what is usual at an hour, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import tally
from opsagent.core.tally import DAYS, STEPS, Limit, Tally

NOW = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
TEN = timedelta(minutes=10)
LIMIT = Limit(within=TEN, least=20, times=5)
DAY = timedelta(days=1)


def at(before: timedelta, count: int = 1) -> list[float]:
    return [(NOW - before).timestamp()] * count


def week_of(count: int, days: int = DAYS) -> Tally:
    """Return what was counted when each of the last days had so many at half past two."""
    stamps = [stamp for day in range(1, days + 1) for stamp in at(day * DAY, count)]
    return tally.counted(tally.begun(NOW - (days + 1) * DAY), stamps, NOW, TEN)


def high(past: Tally, count: int) -> bool:
    return tally.judged(tally.counted(past, at(timedelta(), count), NOW, TEN), LIMIT, NOW).high


def test_without_a_past_twenty_are_too_many_and_nineteen_are_not() -> None:
    assert high(tally.begun(NOW), 20)
    assert not high(tally.begun(NOW), 19)


def test_more_than_five_times_what_is_usual_at_this_hour_is_too_many() -> None:
    assert tally.usual(week_of(6), NOW) == 6
    assert not high(week_of(6), 30)
    assert high(week_of(6), 31)


def test_a_usual_of_nothing_leaves_the_floor() -> None:
    assert tally.usual(week_of(0), NOW) == 0
    assert high(week_of(0), 20)


def test_two_days_are_no_habit() -> None:
    assert tally.usual(week_of(50, days=2), NOW) is None
    assert tally.usual(week_of(50, days=3), NOW) == 50


def test_one_mad_day_does_not_make_it_usual() -> None:
    mad = tally.counted(week_of(4), at(3 * DAY, 5000), NOW, TEN)

    assert tally.usual(mad, NOW) == 4


def test_a_job_that_is_an_hour_late_since_clocks_changed_is_as_usual() -> None:
    assert tally.usual(week_of(40), NOW + timedelta(hours=1)) == 40
    assert tally.usual(week_of(40), NOW + timedelta(hours=3)) == 0


def test_what_was_too_much_is_over_when_it_has_fallen_to_half() -> None:
    burning = Tally(since=0, high=True)

    for count, expected in ((11, True), (10, False)):
        now = tally.counted(burning, at(timedelta(), count), NOW, TEN)
        assert tally.judged(now, Limit(within=TEN, least=20), NOW).high is expected


def test_a_single_line_that_must_not_be_there_counts_until_its_time_is_over() -> None:
    one = Limit(within=TEN, least=1)
    seen = tally.judged(tally.counted(tally.begun(NOW), at(timedelta()), NOW, TEN), one, NOW)
    later = NOW + TEN
    gone = tally.judged(tally.counted(seen, [], later, TEN), one, later)

    assert seen.high
    assert not gone.high


def test_what_a_clock_that_was_set_back_left_in_the_future_does_not_count() -> None:
    ahead = tally.counted(tally.begun(NOW), at(-timedelta(hours=1), 100), NOW, TEN)

    assert tally.current(ahead, NOW, TEN) == 0


def test_what_was_counted_before_the_clock_was_set_back_does_not_count_when_its_time_comes() -> None:
    ahead = tally.counted(tally.begun(NOW - DAY), at(timedelta(), 50), NOW, TEN)
    back = tally.counted(ahead, [], NOW - DAY, TEN)

    assert tally.current(tally.counted(back, [], NOW, TEN), NOW, TEN) == 0


def test_the_past_is_bounded_however_long_it_goes_on() -> None:
    long = tally.begun(NOW - 60 * DAY)
    for hours in range(60 * 24, -1, -1):
        then = NOW - timedelta(hours=hours)
        long = tally.counted(long, [then.timestamp()] * 3, then, TEN)

    assert len(long.hours) <= (DAYS + 1) * 24 + 1
    assert len(long.steps) <= STEPS


@given(st.lists(st.integers(0, 7200), max_size=60), st.integers(0, 60))
def test_counting_in_many_looks_is_counting_in_one(ago: list[int], cut: int) -> None:
    stamps = sorted((NOW - timedelta(seconds=seconds)).timestamp() for seconds in ago)
    begin = tally.begun(NOW - DAY)
    first, rest = stamps[:cut], stamps[cut:]
    between = datetime.fromtimestamp(first[-1], UTC) if first else NOW - DAY

    at_once = tally.counted(begin, stamps, NOW, TEN)
    in_two = tally.counted(tally.counted(begin, first, between, TEN), rest, NOW, TEN)

    assert in_two.steps == at_once.steps
    assert in_two.hours == at_once.hours
