"""The line by which a program shows a mistake of its own."""

from __future__ import annotations

import pytest

from opsagent.core.traces import PYTHON, trace_in

AT = "2026-11-27T14:27:21.650Z"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), ""),
        (("all is well",), ""),
        (("ready", "panic: index out of range", "goroutine 1"), "panic: index out of range"),
        ((f"{PYTHON}:", '  File "/srv/api.py", line 3', "KeyError: 'vat_rate'"), "KeyError: 'vat_rate'"),
        (
            (
                f"{AT} python3[892]: {PYTHON}:",
                f'{AT} python3[892]:   File "/srv/api.py", line 3',
                f"{AT} systemd[1]: Stopping api.service",
                f"{AT} python3[892]: TypeError: 'NoneType' object is not subscriptable",
            ),
            "TypeError: 'NoneType' object is not subscriptable",
        ),
        ((f"{AT} python3[892]: {PYTHON}:",), f"{AT} python3[892]: {PYTHON}:"),
    ],
)
def test_it_is_the_first_and_of_python_what_it_says_last(lines: tuple[str, ...], said: str) -> None:
    assert trace_in(lines) == said
