"""Text from outside: nothing invisible survives, nothing is longer than allowed."""

from __future__ import annotations

import random
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.text import readable, some, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain text", "plain text"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("two\r\nlines", "two\\x0d\\x0alines"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
        ("nul\0", "nul\\x00"),
        ("bidi \u202etxt.exe\u2066", "bidi \\u202etxt.exe\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("blank \u3164\u115f", "blank \\u3164\\u115f"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        (b"bytes \xff".decode("utf-8", "surrogateescape"), "bytes \\udcff"),
        ("Grüße, 日本 €", "Grüße, 日本 €"),
    ],
)
def test_what_cannot_be_seen_is_written_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@given(st.text(max_size=300), st.integers(min_value=1, max_value=100))
def test_no_text_is_longer_than_allowed_or_hides_anything(text: str, limit: int) -> None:
    shown = visible(text, limit)

    assert len(shown) <= limit
    assert not [c for c in shown if c != "\t" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]


def test_a_cut_is_marked() -> None:
    assert visible("abcdef", 4) == "abc…"
    assert visible("abcd", 4) == "abcd"


def test_a_huge_text_costs_no_more_than_its_limit() -> None:
    huge = "\x1b" * 10_000_000
    began = time.perf_counter()

    shown = visible(huge, 500)

    assert len(shown) == 500
    assert time.perf_counter() - began < 0.05


@pytest.mark.parametrize(
    ("count", "said"), [(0, ""), (1, "0"), (5, "0, 1, 2, 3, 4"), (86, "0, 1, 2, 3, 4 and 81 more")]
)
def test_of_many_names_the_first_are_said_and_the_rest_is_counted(count: int, said: str) -> None:
    assert some(map(str, range(count))) == said


NOISE = random.Random(7).randbytes(300_000)


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (b"", ()),
        (b"reading\n\nbroken\r\n", ("reading", "broken")),
        ("naïve 日本\n".encode(), ("naïve 日本",)),
        (b"\x1b[31mred\x1b[0m\t10 %\n", ("\x1b[31mred\x1b[0m\t10 %",)),
        ("Datei nicht gefunden: Übersicht".encode("latin-1"), ("Datei nicht gefunden: \ufffdbersicht",)),
        (NOISE.replace(b"\n", b"\0").replace(b"\r", b"\0"), ("300000 bytes that are not text",)),
        (
            b"begin backup\n" + b"\xff\x00\x9f\n" * 50 + b"No space left\n",
            ("begin backup", "150 bytes that are not text", "No space left"),
        ),
        (b"\x00" * 64, ("64 bytes that are not text",)),
    ],
)
def test_of_what_is_no_text_only_its_length_is_said(raw: bytes, lines: tuple[str, ...]) -> None:
    assert readable(raw) == lines


def test_noise_has_no_lines_by_chance() -> None:
    [said] = readable(NOISE)

    assert said.endswith(" bytes that are not text")
