from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.quantity import LONGEST, duration, size, spell


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1d2h3m4s5ms", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)),
        ("0m", timedelta()),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "s", "5 m", "-5s", "1.5h", "30m1h", "5M", "5sec", "٣s", "5s\n", "+5s", "1h1h"])
def test_what_is_no_duration_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"^cannot read .* as a duration, allowed: 500ms, 30s, 5m, 2h, 1d or 1h30m$"):
        duration(text)


def test_a_bare_number_is_refused_with_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"^cannot read '30' as a duration, write 30s \(units: ms, s, m, h, d\)$"):
        duration("30")


@pytest.mark.parametrize("text", ["3651d", "99999999d", "99999999d99999999h99999999m"])
def test_a_duration_of_more_than_ten_years_is_a_slip_of_the_pen(text: str) -> None:
    with pytest.raises(ValueError, match=r"^cannot use a duration of .*, the longest is 3650d$"):
        duration(text)


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST))
def test_what_is_spelled_is_read_back_to_the_millisecond(length: timedelta) -> None:
    assert duration(spell(length)) == length - length % timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0B", 0), ("512B", 512), ("64KiB", 65_536), ("5GiB", 5 * 2**30), ("5GB", 5 * 10**9), ("2TiB", 2 * 2**40)],
)
def test_a_size_is_read_as_people_write_it(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "5", "5g", "5 GiB", "-5B", "1.5GiB", "10%", "5GiB\n", "9" * 16 + "B"])
def test_what_is_no_size_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"^cannot read .* as a size, allowed: a whole number with B, KiB, MiB, GiB"):
        size(text)
