"""What varies in a line is taken out of it, and what it says stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.review.wording import LONGEST, without_what_varies


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            (
                "2026/11/27 04:00:00 [error] 12#12: *1 connect() failed (111: Connection refused), client: 10.0.0.7, "
                'request: "GET /?x=1 HTTP/1.1"'
            ),
            '[error] <n>#<n>: *<n> connect() failed (<n>: Connection refused), client: <ip>, request: "<text>"',
        ),
        (
            'bind() to 0.0.0.0:80 failed (98: "Address already in use")',
            'bind() to <ip> failed (<n>: "Address already in use")',
        ),
        ("1273:M 27 Nov 2026 07:56:01.123 # User requested shutdown...", "# User requested shutdown..."),
        ("2026-11-27 07:56:01.123 UTC [14] ann@shop FATAL:  no room 4", "ann@shop FATAL: no room <n>"),
        ("[Fri Nov 27 07:56:01.123456 2026] [core:error] AH00037: no", "[core:error] AH<n>: no"),
        ("at 27/Nov/2026:07:56:01 +0100 and Dec  1 07:56:01 it began", "at <time> and <time> it began"),
        ('{"level":"error","msg":"boom 12"}', "boom <n>"),
        ('{"level":"error"', '{"level":"error"'),
        ("Invalid user admin from fe80::1:2 port 2222 ssh2", "Invalid user admin from <ip> port <n> ssh<n>"),
        ("trap at 0x7ffd of a1b2c3d4-0000-1111-2222-333344445555", "trap at <n> of <id>"),
        ("std::vector::at: out of range", "std::vector::at: out of range"),
        ("took 1.5 s, 1,024 rows", "took <n> s, <n> rows"),
        ("one\ntwo", "one"),
        ("token=[redacted:password:8:ab12] bad", "token=[redacted:password:0:0000] bad"),
    ],
)
def test_a_line_is_told_in_the_words_that_all_of_its_kind_share(line: str, said: str) -> None:
    assert without_what_varies(line) == said


@given(st.text(max_size=2000))
def test_any_line_becomes_a_short_one_that_stays_as_it_is(line: str) -> None:
    assert len(without_what_varies(line)) <= LONGEST
