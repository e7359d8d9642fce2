"""What a check's days are said to have been: only what was seen counts, and a gap is never bad."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.observation import Status
from opsagent.core.page import days
from opsagent.core.page.days import DaySeen

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OK, WARNING, CRITICAL, UNKNOWN = range(4)


def millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def looks(*spans: tuple[datetime, datetime, int], every: timedelta = MINUTE) -> days.Looks:
    """Return looks at a steady pace in spans that say one thing each."""
    found = [
        (millis(begin + n * every), status) for begin, end, status in spans for n in range(int((end - begin) / every))
    ]
    return tuple(at for at, _ in found), bytes(status for _, status in found)


def seen(*spans: tuple[datetime, datetime, int], zone: str = "UTC", now: datetime = NOW) -> dict[date, DaySeen]:
    shown = days.dates(now, zone)
    told = days.seen([looks(*spans)], shown, zone, days.longest_of(MINUTE), now)
    return {one.date: one for one in told}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_thirty_days_are_shown_and_today_is_the_last() -> None:
    shown = days.dates(NOW, "UTC")

    assert (len(shown), shown[0], shown[-1]) == (30, date(2026, 10, 20), date(2026, 11, 18))


def test_an_outage_is_as_long_as_it_was_and_the_rest_is_good() -> None:
    told = seen((at(16), at(17, 3), OK), (at(17, 3), at(17, 3, 12), CRITICAL), (at(17, 3, 12), NOW, OK))

    assert told[date(2026, 11, 17)] == DaySeen(date=date(2026, 11, 17), ok=86_400 - 720, critical=720)
    assert told[date(2026, 11, 17)].status is Status.CRITICAL
    assert told[date(2026, 11, 16)].status is Status.OK
    assert told[date(2026, 11, 18)] == DaySeen(date=date(2026, 11, 18), ok=43_200)


def test_what_nobody_saw_is_unknown_and_never_bad() -> None:
    told = seen((at(17), at(17, 6), OK), (at(17, 18), at(18), CRITICAL))
    day = told[date(2026, 11, 17)]

    assert day.ok == 6 * 3600 + 120  # the last look speaks until the next one is overdue
    assert (day.critical, day.unknown) == (6 * 3600, 12 * 3600 - 120)
    assert told[date(2026, 11, 1)] == DaySeen(date=date(2026, 11, 1), unknown=86_400)
    assert told[date(2026, 11, 1)].status is Status.UNKNOWN


def test_a_look_that_could_not_look_is_unknown_too() -> None:
    day = seen((at(17), at(17, 12), OK), (at(17, 12), at(18), UNKNOWN))[date(2026, 11, 17)]

    assert (day.ok, day.unknown, day.status) == (43_200, 43_200, Status.OK)


@pytest.mark.parametrize(
    ("critical", "warning", "status"),
    [
        (0, 0, Status.OK),
        (0, 299, Status.OK),
        (0, 300, Status.WARNING),
        (5, 0, Status.WARNING),
        (59.9, 0, Status.WARNING),
        (60, 0, Status.CRITICAL),
    ],
)
def test_a_blip_is_no_failure(critical: float, warning: float, status: Status) -> None:
    assert DaySeen(date=date(2026, 11, 17), ok=80_000, critical=critical, warning=warning).status is status


def test_a_day_of_a_zone_begins_at_its_own_midnight() -> None:
    told = seen((at(16, 22), at(16, 23), CRITICAL), (at(16, 23), at(17, 1), OK), zone="Europe/Berlin")

    assert (told[date(2026, 11, 16)].critical, told[date(2026, 11, 17)].critical) == (3600, 0)
    assert told[date(2026, 11, 17)].ok == 7200 + 120


def test_the_day_on_which_the_clocks_go_back_has_25_hours() -> None:
    now = datetime(2026, 10, 30, 12, tzinfo=UTC)
    begin = datetime(2026, 10, 20, tzinfo=UTC)

    told = seen((begin, now, OK), zone="Europe/Berlin", now=now)

    assert (told[date(2026, 10, 24)].ok, told[date(2026, 10, 25)].ok) == (24 * 3600, 25 * 3600)


def test_a_check_that_looks_twice_a_day_is_watched_all_day() -> None:
    every = timedelta(hours=12)
    half = looks((at(10), NOW, OK), every=every)

    told = days.seen([half], days.dates(NOW, "UTC"), "UTC", days.longest_of(every), NOW)

    assert told[-3] == DaySeen(date=date(2026, 11, 16), ok=86_400)


@given(
    st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 3)), max_size=700).map(sorted),
    st.integers(1, 600),
)
def test_however_the_looks_are_cut_into_parts_the_days_are_the_same(found: list[tuple[int, int]], size: int) -> None:
    begin = millis(at(15))
    times, statuses = tuple(begin + 1000 * n for n, _ in found), bytes(status for _, status in found)
    parts = [(times[n : n + size], statuses[n : n + size]) for n in range(0, len(times), size)]
    shown, longest = days.dates(NOW, "UTC"), days.longest_of(MINUTE)

    whole = days.seen([(times, statuses)], shown, "UTC", longest, NOW)

    assert days.seen(parts, shown, "UTC", longest, NOW) == whole
    lengths = [one.watched + one.unknown for one in whole]
    assert lengths[:-1] == pytest.approx([86_400] * 29, abs=0.01)
    assert lengths[-1] == pytest.approx(43_200, abs=0.01)
    assert sum(one.watched for one in whole) <= len(found) * longest.total_seconds()
