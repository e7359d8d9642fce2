"""How bad a line says it is, in the forms of well-known programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.log_level import PRIORITIES, level_of


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("err", "2026/11/27 04:00:00 [error] 12#12: *1 connect() failed (111: Connection refused), client: ::1"),
        ("emerg", '2026/11/27 04:00:00 [emerg] 12#12: bind() to 0.0.0.0:80 failed (98: "Address already in use")'),
        ("err", "[Fri Nov 27 04:00:00.1 2026] [core:error] [pid 1] AH00037: Symbolic link not allowed"),
        ("warning", "2026-11-27T04:00:00.1Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed."),
        ("err", '2026-11-27 04:00:00 UTC [12] ERROR:  relation "orders" does not exist at character 15'),
        ("crit", "2026-11-27 04:00:00 UTC [12] FATAL:  the database system is starting up"),
        ("info", "2026-11-27 04:00:00 UTC [12] LOG:  checkpoint starting: no ERROR in sight"),
        ("err", 'time="2026-11-27T04:00:00Z" level=error msg="pull failed"'),
        ("err", '{"level":"error","msg":"x"}'),
        ("warning", '{"time":1,"message":"' + "x" * 500 + '","severity": "WARNING"}'),
        ("crit", '{"name":"api","level":60,"msg":"out"}'),
        ("err", "2026-11-27 04:00:00,123 ERROR api.orders: no"),
        ("crit", "2026-11-27 04:00:00,123 - api - CRITICAL - no"),
        ("crit", "PHP Fatal error:  Uncaught TypeError"),
        ("warning", "[27-Nov-2026 04:00:00] WARNING: [pool www] server reached max_children"),
        ("err", "E1127 04:00:00.123456       1 reflector.go:12] Failed to watch"),
        ("err", "<3>cannot open"),
        ("warning", "1234:M 27 Nov 2026 04:00:00.000 # Can't save in background: fork"),
        ("notice", "1234:M 27 Nov 2026 04:00:00.000 * Ready to accept connections"),
        ("info", "2026-11-27 INFO request /error gave no ERROR"),
        (None, '127.0.0.1 - - [27/Nov/2026:04:00:00 +0000] "GET /error HTTP/1.1" 500 1'),
        (None, "an error happened somewhere"),
        (None, ""),
    ],
)
def test_a_line_is_as_bad_as_it_says(word: str | None, line: str) -> None:
    level = level_of(line)

    assert (PRIORITIES[level] if level is not None else None) == word


@given(st.text(max_size=400))
def test_any_line_has_a_priority_or_none(line: str) -> None:
    assert level_of(line) in (None, *range(8))
