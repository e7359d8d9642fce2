from __future__ import annotations

from opsagent.settings.merge import merge
from opsagent.settings.tree import parse, plain


def test_lists_append_and_mappings_unite() -> None:
    one, _ = parse("one", "checks: [1]\nrepair: {mode: auto}")
    two, _ = parse("two", "checks: [2]\nrepair: {per_host: {actions: 1}}\nnotifiers: [3]")

    whole, problems = merge([one, two])

    assert problems == []
    assert plain(whole) == {
        "checks": [1, 2],
        "repair": {"mode": "auto", "per_host": {"actions": 1}},
        "notifiers": [3],
    }


def test_a_value_set_twice_is_refused_at_both_places() -> None:
    one, _ = parse("one", "zone: UTC\nrepair:\n  mode: auto")
    two, _ = parse("two", "\nzone: UTC\nrepair: {mode: auto}")

    _, problems = merge([one, two])

    assert [str(problem) for problem in problems] == [
        "two:2: cannot set 'zone' twice, it is already set at one:1",
        "two:3: cannot set 'mode' twice, it is already set at one:3",
    ]


def test_a_list_of_plain_values_does_not_append() -> None:
    one, _ = parse("one", "repair: {per_unit: {waits: [1s]}}")
    two, _ = parse("two", "repair: {per_unit: {waits: [2s]}}")

    _, problems = merge([one, two])

    assert [str(problem) for problem in problems] == ["two:1: cannot set 'waits' twice, it is already set at one:1"]


def test_the_files_own_trees_are_left_alone() -> None:
    one, _ = parse("one", "checks: [1]\nrepair: {mode: auto}")
    two, _ = parse("two", "checks: [2]\nrepair: {per_host: {actions: 1}}")

    merge([one, two])

    assert plain(one) == {"checks": [1], "repair": {"mode": "auto"}}
