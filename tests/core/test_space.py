"""The room left in a file system, and its forecast."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsagent.core.space import Space, spoken_bytes, time_left

GIB = 1024**3


def minutes(*free: int) -> list[tuple[float, int]]:
    return [(index * 60.0, left * GIB) for index, left in enumerate(free)]


def test_percent_is_counted_as_df_does_without_roots_reserve() -> None:
    space = Space(4096, 1000, 150, 100, 200, 50)

    assert space.percent == pytest.approx(100 * 850 / 950)
    assert space.inodes_percent == 75
    assert space.free == 4096 * 100


def test_a_file_system_without_blocks_or_inodes_is_empty() -> None:
    assert Space(4096, 0, 0, 0, 0, 0).percent == 0
    assert Space(4096, 0, 0, 0, 0, 0).inodes_percent == 0


def test_steady_growth_is_forecast() -> None:
    seen = minutes(*range(130, 100, -1))

    assert time_left(seen, 30 * 60.0, 100 * GIB) == timedelta(minutes=100)


@pytest.mark.parametrize(
    "seen",
    [
        [],
        minutes(130, 120),
        minutes(*[100] * 30),
        minutes(*range(70, 100)),
        minutes(*range(130, 115, -1), *[100] * 15),
    ],
)
def test_without_half_an_hour_of_growth_that_still_goes_on_there_is_no_forecast(seen: list[tuple[float, int]]) -> None:
    now = seen[-1][0] + 60 if seen else 0.0

    assert time_left(seen, now, 100 * GIB) is None


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (5 * GIB, "5 GiB"), (3 * 1024**4, "3.0 TiB")]
)
def test_bytes_are_said_as_people_do(count: int, words: str) -> None:
    assert spoken_bytes(count) == words
