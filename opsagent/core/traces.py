"""How a program shows that it met a mistake of its own, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Python, Go, Java, Rust, Node, PHP, .NET, C.
TRACES = (
    *("Traceback (most recent call last)", "panic: ", "Exception in thread ", "panicked at ", "UnhandledPromise"),
    *(
        "PHP Fatal error: ",
        "Unhandled exception. ",
        "*** stack smashing",
        "Assertion `",
        "SyntaxError: ",
        "NameError: ",
    ),
)


def trace_in(lines: Iterable[str]) -> str:
    """Return the first line by which a program shows a mistake of its own, "" for none. Words of others: no more."""
    return next((line for line in lines if any(trace in line for trace in TRACES)), "")
