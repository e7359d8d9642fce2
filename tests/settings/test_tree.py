from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.settings.tree import DEEPEST, parse, place_of, plain


def told(text: str) -> list[str]:
    _, problems = parse("f", text)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 5", 5),
        ("a: -5", -5),
        ("a: 007", 7),
        ("a: 1.5", 1.5),
        ("a: 1e3", 1000.0),
        ("a: true", True),
        ("a: False", False),
        ("a: null", None),
        ("a: ~", None),
        ("a:", None),
        ("a: 'true'", "true"),
        ('a: "5"', "5"),
        ("a: ''", ""),
        ("a: yes", "yes"),
        ("a: off", "off"),
        ("a: 02:00", "02:00"),
        ("a: 2026-03-01", "2026-03-01"),
        ("a: 2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z"),
        ("a: .inf", ".inf"),
        ("a: .nan", ".nan"),
        ("a: 1_000", "1_000"),
        ("a: 0x10", "0x10"),
        ("a: " + "9" * 5000, "9" * 5000),
        ("a: =", "="),
        ("a: |\n  b\n  c\n", "b\nc\n"),
        ("a: [1, b]", [1, "b"]),
        ("a: {b: {c: 1}}", {"b": {"c": 1}}),
        ("a: é", "é"),
    ],
)
def test_a_value_means_what_it_looks_like(text: str, value: object) -> None:
    root, problems = parse("f", text)

    assert problems == []
    assert plain(root) == {"a": value}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null", "{}"])
def test_nothing_is_an_empty_mapping(text: str) -> None:
    root, problems = parse("f", text)

    assert (plain(root), problems) == ({}, [])


REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3", "f:3: cannot set 'a' twice, it is already set in line 1"),
    "duplicate inside": ("x:\n- {a: 1, a: 2}", "f:2: cannot set 'a' twice, it is already set in line 2"),
    "anchor": ("a: &x 1", "f:1: cannot use the anchor '&x', write the value out"),
    "alias": ("a: 1\nb: *x", "f:2: cannot use the alias '*x', write the value out"),
    "python tag": (
        "a:\n- !!python/object/apply:os.system [id]",
        "f:2: cannot use the tag 'tag:yaml.org,2002:python/object/apply:os.system', allowed: plain and quoted values",
    ),
    "own tag": ("a: !vault x", "f:1: cannot use the tag '!vault', allowed: plain and quoted values"),
    "harmless tag": (
        "a: !!str 5",
        "f:1: cannot use the tag 'tag:yaml.org,2002:str', allowed: plain and quoted values",
    ),
    "second document": (
        "a: 1\n---\nb: 2",
        "f:2: cannot use a second document, allowed: one per file (put it into conf.d)",
    ),
    "list": ("- a", "f:1: cannot read settings from this, allowed: a mapping such as 'checks: [...]'"),
    "text": ("hello", "f:1: cannot read settings from this, allowed: a mapping such as 'checks: [...]'"),
    "number as key": ("a: 1\n5: x", "f:2: cannot use 5 as a key, allowed: text (in quotes if need be)"),
    "true as key": ("true: x", "f:1: cannot use true as a key, allowed: text (in quotes if need be)"),
    "list as key": ("? [a]\n: x", "f:1: cannot use a list as a key, allowed: text (in quotes if need be)"),
    "null character": ('a: "x\\0"', "f:1: cannot use the characters in 'x\\x00', allowed: printable text"),
    "half a character": ('a: "\\ud800"', "f:1: cannot use the characters in '\\ud800', allowed: printable text"),
    "open bracket": ("a: 1\nb: [1, 2", "f:2: cannot read this as YAML: while parsing a flow sequence"),
    "tab": ("a:\n\tb: 1", "f:2: cannot read this as YAML: while scanning for the next token"),
    "control character": ("a: 1\nb: \x07", "f:2: cannot read this as YAML: special characters are not allowed"),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_settings_never_need_is_refused_at_its_line(text: str, problem: str) -> None:
    found = told(text)

    assert len(found) == 1
    assert found[0].startswith(problem)


def test_nesting_is_refused_long_before_it_hurts() -> None:
    bomb = "[" * 500_000

    assert told("a: " + bomb) == [f"f:1: cannot nest deeper than {DEEPEST} levels"]


def test_the_deepest_nesting_allowed_is_read() -> None:
    depth = DEEPEST - 1

    assert told("a: " + "[" * depth + "]" * depth) == []


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 20))]

    found = told("\n".join(lines))

    assert len(found) == 20 + 2 * 19


def test_several_mistakes_are_all_told() -> None:
    assert [line.partition(" ")[0] for line in told("a: &x 1\nb: *x\na: 2\nc: !t 3")] == [
        "f:1:",
        "f:2:",
        "f:3:",
        "f:4:",
    ]


def test_a_place_is_the_line_of_the_key_or_of_the_item() -> None:
    root, _ = parse("f", "a:\n  b:\n    - x\n    - c: 1\n      d: 2\n")

    assert [place_of(root, loc).line for loc in ((), ("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "d"))] == [
        1,
        1,
        2,
        4,
        5,
    ]
    assert place_of(root, ("a", "b", 9, "x")).line == 2


@given(st.text(max_size=200))
def test_any_text_gives_a_tree_or_problems_with_lines_inside_it(text: str) -> None:
    root, problems = parse("f", text)

    assert isinstance(plain(root), dict)
    assert all(1 <= problem.place.line <= text.count("\n") + text.count("\r") + 3 for problem in problems)


@given(st.text(alphabet="ab:-[]{},&*!?|>'\"%@`#\n\t 0\\ux", max_size=60))
def test_any_pile_of_yaml_signs_gives_a_tree_or_problems(text: str) -> None:
    root, _ = parse("f", text)

    assert isinstance(plain(root), dict)
