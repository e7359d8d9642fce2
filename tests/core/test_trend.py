from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.trend import FORESIGHT, OVER, forecast

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WEEK = 168


def seen(level: Callable[[float], float], hours: int = WEEK) -> list[tuple[datetime, float]]:
    """Return a number every five minutes for so long, by the hours since the first."""
    begin = NOW - timedelta(hours=hours)
    return [(begin + timedelta(minutes=5 * n), level(n / 12)) for n in range(12 * hours + 1)]


def test_a_disk_that_grows_slowly_is_told_weeks_before() -> None:
    found = forecast("root", 71.0, 85.0, seen(lambda h: 68.2 + 0.4 / 24 * h), NOW)

    assert found is not None
    assert (found.value, found.limit, found.per_day) == (71, 85, 0.4)
    assert abs(found.at - NOW - timedelta(days=35)) < timedelta(hours=1)


def test_one_that_fills_in_hours_does_not_drown_in_its_week() -> None:
    found = forecast("var", 80.0, 85.0, seen(lambda h: 70 + max(0, h - 143) * 0.4), NOW)

    assert found is not None
    assert abs(found.per_day - 9.6) < 0.1


def test_over_its_limit_it_is_told_when_it_is_full() -> None:
    found = forecast("var", 90.0, 85.0, seen(lambda h: 80.4 + 0.4 * h, 24), NOW)

    assert found is not None
    assert found.limit == 100
    assert abs(found.at - NOW - timedelta(hours=25)) < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("why", "level"),
    [
        ("flat", lambda h: 50.0),
        ("shrinks", lambda h: 80 - h / 10),
        ("has stopped growing", lambda h: 50 + min(h, 84) / 10),
        ("cleaned every night", lambda h: 50 + (h % 24) / 2),
        ("one copy", lambda h: 50.0 if h < 160 else 60.0),
        ("too slow to say", lambda h: 50 + h / 1000),
    ],
)
def test_what_goes_nowhere_is_not_told(why: str, level: Callable[[float], float]) -> None:
    points = seen(level)

    assert forecast("x", points[-1][1], 85.0, points, NOW) is None, why


def test_noise_is_no_trend() -> None:
    random = Random(7)

    assert forecast("x", 54.0, 85.0, seen(lambda _: 50 + 5 * random.random()), NOW) is None


def test_one_clean_up_does_not_hide_a_growth() -> None:
    found = forecast("x", 74.0, 85.0, seen(lambda h: 60 + h / 10 - (3 if h > 100 else 0)), NOW)

    assert found is not None
    assert abs(found.per_day - 2.4) < 0.5


def test_a_gap_is_not_zero() -> None:
    points = [point for n, point in enumerate(seen(lambda h: 60 + h / 20)) if not 500 < n < 1200]

    found = forecast("x", 68.4, 85.0, points, NOW)

    assert found is not None
    assert abs(found.per_day - 1.2) < 0.05


def test_a_few_hours_are_too_few() -> None:
    assert forecast("x", 65.0, 85.0, seen(lambda h: 60 + h, 5), NOW) is None
    assert forecast("x", 65.0, 85.0, [], NOW) is None


NUMBERS = st.floats(0, 100)


@given(st.lists(st.tuples(st.integers(0, 20_000), NUMBERS), max_size=60, unique_by=lambda one: one[0]), NUMBERS)
def test_a_forecast_lies_ahead_and_not_too_far(many: list[tuple[int, float]], value: float) -> None:
    points = sorted((NOW - timedelta(minutes=ago), number) for ago, number in many)

    found = forecast("x", value, 85.0, points, NOW)

    assert found is None or NOW < found.at <= NOW + FORESIGHT * OVER
