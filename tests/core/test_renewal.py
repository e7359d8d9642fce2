"""`replace` of the large records is the standard library's, only quicker."""

from __future__ import annotations

import dataclasses

import pytest

from opsagent.core.renewal import replace
from opsagent.core.state import Breaker, Day, State
from tests.core.test_units import NOW


def test_a_large_record_is_made_anew_and_the_old_one_stays() -> None:
    before = State(seq=1, zone="Europe/Berlin")

    after = replace(before, seq=2, at=NOW)

    assert after == dataclasses.replace(before, seq=2, at=NOW)
    assert (before.seq, before.at) == (1, None)
    assert hasattr(after, "__dict__")  # else this is the slow way


def test_what_is_made_anew_is_as_frozen_as_before() -> None:
    day = replace(Day(date=NOW.date()), pages=1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        day.pages = 2  # type: ignore[misc]


@pytest.mark.parametrize("value", [State(), Breaker(opened_at=NOW, last_at=NOW, keys=())])
def test_a_field_that_is_none_is_refused(value: State | Breaker) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        replace(value, nonsense=1)  # type: ignore[call-arg]
