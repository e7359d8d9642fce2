"""What many repairs of a unit have in common, and what is only chance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.chart import bars, counted
from opsagent.core.signs import Kind, common_cause, in_words, signs_of
from opsagent.core.state import Heal
from tests.core.story_host import NOON

FEW = st.integers(min_value=4, max_value=20)


def healed(*gaps: float, **more: object) -> list[Heal]:
    """Return repairs so many minutes apart."""
    at = (NOON + timedelta(minutes=minutes) for minutes in accumulate(gaps, initial=0))
    return [Heal(unit="api.service", at=one, incident=1, bad_at=one, **more) for one in at]  # type: ignore[arg-type]


def kinds(heals: list[Heal]) -> list[Kind]:
    return [sign.kind for sign in signs_of(heals, heals[-1].at + timedelta(minutes=1))]


@given(minutes=st.floats(min_value=1, max_value=60 * 24), count=FEW)
def test_what_fails_every_so_many_minutes_is_always_found_and_never_called_more_often(
    minutes: float, count: int
) -> None:
    found = kinds(healed(*[minutes] * count))

    assert Kind.PERIODIC in found
    assert Kind.MORE_OFTEN not in found


@given(st.lists(st.floats(min_value=573, max_value=627), min_size=4, max_size=10))
def test_a_little_late_or_early_is_in_step_all_the_same(gaps: list[float]) -> None:
    assert Kind.PERIODIC in kinds(healed(*gaps))


def test_repairs_by_chance_show_a_sign_of_time_less_than_once_in_a_hundred() -> None:
    chance, wrong, asked = Random(4), 0, 0
    for _ in range(300):
        heals = healed(*(chance.expovariate(1 / 2000) for _ in range(20)))
        for count in range(5, len(heals) + 1):
            asked += 1
            wrong += bool({Kind.PERIODIC, Kind.MORE_OFTEN} & set(kinds(heals[:count])))

    assert wrong < asked / 100


def test_gaps_that_halve_are_more_often_and_in_words() -> None:
    heals = healed(1600, 1500, 900, 700, 400, 300, 160)

    (sign,) = (one for one in signs_of(heals, heals[-1].at) if one.kind is Kind.MORE_OFTEN)

    assert sign.said == "more and more often: 25 h apart before, 5 h now"


def test_gaps_that_grow_are_no_sign() -> None:
    assert kinds(healed(300, 700, 1500, 3000, 6100, 12000)) == []


def test_one_that_was_missed_does_not_break_the_step() -> None:
    assert Kind.PERIODIC in kinds(healed(600, 600, 1200, 600, 600))
    assert Kind.PERIODIC not in kinds(healed(600, 600, 1200))


def test_three_of_five_after_a_change_of_its_own_are_a_sign_and_two_are_none() -> None:
    heals = healed(3000, 9000, 2000, 12000)
    changed = [replace(one, after_change="bad 2 min after its deploy") for one in heals]

    assert Kind.AFTER_CHANGES in kinds([*heals[:2], *changed[2:]])
    assert Kind.AFTER_CHANGES not in kinds([*heals[:3], *changed[3:]])


def test_memory_that_grows_from_repair_to_repair_or_was_used_up_is_a_sign() -> None:
    grew, steady = (100.0, 150.0, 210.0), (100.0, 220.0, 110.0)

    assert Kind.WITH_MEMORY in kinds(healed(3000, 9000, 2000, memory=grew))
    assert Kind.WITH_MEMORY in kinds(healed(3000, 9000, 2000, cause="out-of-memory"))
    assert Kind.WITH_MEMORY not in kinds(healed(3000, 9000, 2000, memory=steady))


def test_the_common_cause_is_that_of_most() -> None:
    heals = healed(3000, 9000, 2000, cause="hang")

    assert common_cause(heals) == "hang"
    assert common_cause([*heals[:2], *(replace(one, cause=f"other-{one.at:%H}") for one in heals[2:])]) == ""


@given(st.lists(st.floats(min_value=0, max_value=1e12), max_size=60))
def test_a_chart_has_one_bar_for_each_number_and_its_highest_for_the_greatest(numbers: list[float]) -> None:
    drawn = bars(numbers)

    assert len(drawn) == len(numbers)
    if max(numbers, default=0) > 0:
        assert drawn[numbers.index(max(numbers))] == "█"


@given(st.lists(st.integers(min_value=0, max_value=240), max_size=50))
def test_every_time_within_the_span_is_in_one_slot(minutes: list[int]) -> None:
    times = [NOON + timedelta(minutes=one) for one in minutes]

    assert sum(counted(times, NOON, timedelta(minutes=10), 24)) == len(times)


def test_a_mere_kind_of_failure_is_not_called_a_cause() -> None:
    assert (in_words("killed"), in_words("status")) == ("killed", "no known cause (status)")
