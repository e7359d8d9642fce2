"""Streaks, holds, hysteresis, blindness and flapping of one check."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core.health import Health, flap_percent, notice, see
from opsagent.core.observation import Measure, Observation, Reading, Status
from opsagent.core.policy import CheckPolicy, Confirm

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
CHECK = CheckPolicy(name="api", kind="http", every=timedelta(seconds=10))
OK, WARN, BAD, BLIND = Status.OK, Status.WARNING, Status.CRITICAL, Status.UNKNOWN


def after(*statuses: Status, every: float = 10, check: CheckPolicy = CHECK, health: Health | None = None) -> Health:
    health = health or Health(check=check.name)
    begin = health.at or NOON
    for place, status in enumerate(statuses, 1):
        reading = Reading(status=status, message=status.value)
        seen = Observation(check=check.name, reading=reading, at=begin + timedelta(seconds=every) * place)
        health = see(health, seen, check)
    return health


def numbers(status: Status, unit: str = "%", limit: float = 85.0, **values: float) -> Observation:
    measures = tuple(Measure(name=name, value=value, unit=unit, limit=limit) for name, value in values.items())
    return Observation(check="api", reading=Reading(status=status, message="full", measures=measures), at=NOON)


def filled(unit: str = "%", limit: float = 85.0, **values: float) -> Health:
    """Return the health after three looks that found these numbers over their limit."""
    health = Health(check="api")
    for _ in range(3):
        health = see(health, numbers(WARN, unit, limit, **values), CHECK)
    return health


def test_one_failed_look_is_not_believed_and_the_third_is() -> None:
    assert not after(OK, BAD).is_bad
    assert not after(OK, BAD, BAD).is_bad
    assert after(OK, BAD, BAD, BAD).is_bad


def test_a_good_look_between_two_bad_ones_begins_the_count_anew() -> None:
    assert not after(OK, BAD, BAD, OK, BAD, BAD).is_bad


def test_one_conclusive_look_is_enough() -> None:
    dead = Reading(status=BAD, message="failed", conclusive=True)

    assert see(after(OK), Observation(check="api", reading=dead, at=NOON), CHECK).is_bad


def test_a_recovery_takes_two_good_looks() -> None:
    assert after(BAD, BAD, BAD, OK).is_bad
    assert not after(BAD, BAD, BAD, OK, OK).is_bad


def test_a_look_that_could_not_look_neither_breaks_nor_lengthens_a_streak() -> None:
    held = after(OK, BAD, BLIND, BAD)

    assert (held.bad, held.is_bad) == (2, False)
    assert after(BAD, health=held).is_bad


def test_what_must_last_for_a_while_counts_only_then() -> None:
    slow = CheckPolicy(name="cpu", kind="cpu", every=timedelta(seconds=60), hold=timedelta(minutes=15))

    assert not after(*[WARN] * 15, every=60, check=slow).is_bad
    assert after(*[WARN] * 16, every=60, check=slow).is_bad


def test_what_was_bad_clears_only_five_points_below_its_limit() -> None:
    bad = filled(disk=90.0)

    near = see(bad, numbers(OK, disk=81.0), CHECK)
    clear = see(bad, numbers(OK, disk=80.0), CHECK)

    assert (near.good, near.is_bad) == (0, True)
    assert clear.good == 1


def test_each_number_that_was_over_its_limit_must_clear_and_no_other() -> None:
    bad = see(filled(disk=90.0), numbers(WARN, disk=83.0, inodes=86.0), CHECK)

    assert see(bad, numbers(OK, disk=70.0, inodes=83.0), CHECK).good == 0
    assert see(bad, numbers(OK, disk=80.0, inodes=80.0, swap=84.0), CHECK).good == 1


@pytest.mark.parametrize(("limit", "clears"), [(10.0, 5.0), (9.0, 4.5), (3.0, 1.5), (0.0, 0.0)])
def test_a_low_limit_clears_at_half_of_it(limit: float, clears: float) -> None:
    bad = filled(limit=limit, disk=90.0)

    assert see(bad, numbers(OK, limit=limit, disk=clears + 0.1), CHECK).good == 0
    assert see(bad, numbers(OK, limit=limit, disk=clears), CHECK).good == 1


def test_a_limit_that_is_no_percentage_has_no_points_to_stay_below() -> None:
    bad = filled(unit="s", disk=90.0)

    assert see(bad, numbers(OK, unit="s", disk=84.0), CHECK).good == 1


def test_blind_after_three_looks_at_its_own_pace() -> None:
    assert not after(OK, BLIND, BLIND).is_blind
    assert after(OK, BLIND, BLIND, BLIND).is_blind


def test_hasty_looks_do_not_make_it_blind() -> None:
    assert not after(OK, *[BLIND] * 3, every=1).is_blind
    assert after(OK, *[BLIND] * 21, every=1).is_blind


def test_a_look_that_does_not_count_is_shown_and_nothing_else() -> None:
    before = after(OK, BAD, BAD)
    seen = Observation(check="api", reading=Reading(status=BLIND, message="still starting"), at=NOON)

    health = notice(before, seen)

    assert (health.bad, health.blind, health.good) == (2, 0, 0)
    assert health.reading is seen.reading


def test_a_time_of_blindness_begins_the_good_streak_anew() -> None:
    good = after(OK, OK, OK)

    health = after(BLIND, BLIND, BLIND, OK, health=good)

    assert health.good == 1
    assert health.good_since == health.at


def test_one_look_that_failed_does_not_begin_the_good_streak_anew() -> None:
    good = after(OK, OK, OK)

    assert after(BLIND, OK, health=good).good_since == good.good_since


def test_flapping_is_judged_after_twenty_changes_and_recent_ones_weigh_more() -> None:
    restless = (True, False) * 11
    early = (True, False) * 4 + (True,) * 13
    late = (True,) * 13 + (True, False) * 4

    assert flap_percent(restless[:20]) == 0.0
    assert flap_percent(restless[:21]) > 95.0
    assert flap_percent(late) > flap_percent(early)


def test_what_must_last_for_a_while_does_not_flap_by_coming_and_going_before() -> None:
    busy = replace(CHECK, hold=timedelta(minutes=15), every=timedelta(seconds=60))

    assert after(*[OK, WARN] * 20).flapping
    assert not after(*[OK, WARN] * 20, every=60, check=busy).flapping


def test_flapping_begins_over_thirty_and_ends_under_twenty_five_percent() -> None:
    confirm = CheckPolicy(name="api", kind="http", confirm=Confirm(failures=3))
    health = after(*([OK, BAD] * 11), check=confirm)
    assert health.flapping

    percents = []
    while health.flapping:
        health = after(OK, check=confirm, health=health)
        percents.append(health.percent_flapping)

    assert percents[-1] < 25.0
    assert all(percent >= 25.0 for percent in percents[:-1])
