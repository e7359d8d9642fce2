from itertools import islice

import pytest

from opsagent.store.labels import next_label, numbers


def test_numbers_are_decimal_first_and_lettered_after_999() -> None:
    first = list(islice(numbers(), 1001))

    assert first[0] == "001"
    assert first[998:1001] == ["999", "A00", "A01"]
    assert list(numbers())[-1] == "ZZZ"


def test_numbers_are_all_different_and_of_three_characters() -> None:
    every = list(numbers())

    assert len(set(every)) == len(every) == 34_695
    assert {len(number) for number in every} == {3}


def test_the_first_free_label_is_given() -> None:
    assert next_label("20261121", {"OPS-20261121-001", "OPS-20261121-A3F"}) == "OPS-20261121-002"


def test_a_day_without_a_free_label_is_an_error() -> None:
    used = {f"OPS-20261121-{number}" for number in numbers()}

    with pytest.raises(ValueError, match="all used"):
        next_label("20261121", used)
