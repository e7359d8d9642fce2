from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.growth import Growth, Series, grown, noted

OVER = timedelta(minutes=10)
BEGIN = 1_795_700_000.0


def seen(*values: float, every: float = 60.0) -> tuple[Series, float]:
    """Return the points of looks at these values, and the time of the last."""
    series: Series = ()
    for number, value in enumerate(values):
        series = noted(series, BEGIN + number * every, value, OVER)
    return series, BEGIN + (len(values) - 1) * every


def test_a_queue_that_nobody_empties_grows() -> None:
    series, now = seen(*range(0, 220, 20))

    assert grown(series, now, OVER) == pytest.approx(160, abs=41)


def test_a_queue_that_fills_and_empties_does_not_grow() -> None:
    assert grown(*seen(*[0, 50, 100, 5] * 3), OVER) == 0


def test_a_queue_that_was_filled_once_and_stays_full_does_not_grow() -> None:
    assert grown(*seen(*[0] * 4, *[500] * 8), OVER) == 0


def test_one_look_lower_than_before_ends_the_growth() -> None:
    values = list(range(0, 220, 20))

    assert grown(*seen(*values[:7], 0, *values[8:]), OVER) == 0


def test_growth_is_not_known_before_the_whole_span_was_seen() -> None:
    assert grown(*seen(*range(0, 80, 20)), OVER) is None


def test_a_gap_in_the_looks_is_not_known_to_be_growth() -> None:
    series, _ = seen(*range(0, 100, 20))

    later = noted(series, BEGIN + 600, 300, OVER)

    assert grown(later, BEGIN + 600, OVER) is None


def test_a_clock_set_back_forgets_what_lies_in_the_future() -> None:
    series, now = seen(*range(0, 220, 20))

    back = noted(series, now - 3600, 5, OVER)

    assert [value for _, value in back] == [5]


@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.floats(0.1, 100))
def test_few_points_are_kept_however_often_we_look(values: list[float], every: float) -> None:
    series, now = seen(*values, every=every) if values else ((), BEGIN)

    assert len(series) <= 52
    assert [at for at, _ in series] == sorted({at for at, _ in series})
    growth = grown(series, now, OVER)
    assert growth is None or growth >= 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"over": timedelta(seconds=1), "warning": 1}, "less than 10s"),
        ({"over": OVER}, "without a limit"),
        ({"over": OVER, "warning": 5, "critical": 1}, "cannot use warning 5 with critical 1"),
    ],
)
def test_growth_that_could_never_be_judged_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Growth(**options)
