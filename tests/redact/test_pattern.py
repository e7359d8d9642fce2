"""A pattern written by a person is checked when it is made, and can never be slow."""

from __future__ import annotations

import time

import pytest

from opsagent.redact.pattern import Pattern, PatternError


def test_a_pattern_is_looked_for_anywhere() -> None:
    pattern = Pattern(r"exit (status )?78\b")

    assert pattern.found_in("billing: exit status 78")
    assert not pattern.found_in("billing: exit status 789")


def test_undecodable_text_is_only_not_found() -> None:
    assert not Pattern("x").found_in("\udcff")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a(b", "missing )"),
        ("(?=x)", "look-around and back-references are not supported"),
        (r"(a)\1", "invalid escape sequence"),
        ("(a{1000}){1000}", "invalid repetition size"),
        ("x" * 1001, "allowed: up to 1000"),
        ("((a{100}){100}){100}", "cannot use the pattern"),
        ("\udc80", "cannot use the pattern"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern(text)

    assert str(refused.value).startswith("cannot use")
    assert said in str(refused.value)


def test_what_stalls_other_engines_takes_no_time() -> None:
    started = time.process_time()

    found = Pattern("(a+)+$").found_in("a" * 100_000 + "b")

    assert not found
    assert time.process_time() - started < 0.1
