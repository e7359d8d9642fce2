"""An expression over other people's lines: RE2, whose time grows with the line and with nothing else."""

from __future__ import annotations

import functools
from typing import Any

import re2

from opsagent.core.text import visible

LONGEST = 1000
_SHOWN = 60


def refusal(expression: str) -> str:
    """Return why this cannot be looked for, "" when it can."""
    if len(expression) > LONGEST:
        return f"cannot use an expression of {len(expression)} characters, allowed: up to {LONGEST}"
    try:
        compiled(expression)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        return f"cannot use expression {visible(expression, _SHOWN)!r}, allowed: RE2 syntax ({visible(why, 200)})"
    return ""


@functools.lru_cache(maxsize=128)
def compiled(expression: str) -> Any:
    """Return the compiled expression, for bytes of UTF-8."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(expression.encode(errors="replace"), options)
