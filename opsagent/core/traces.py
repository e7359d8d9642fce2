"""How a program shows that it met a mistake of its own, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PYTHON = "Traceback (most recent call last)"
# Python, Go, Java, Rust, Node, PHP, .NET, C.
TRACES = (
    *(PYTHON, "panic: ", "Exception in thread ", "panicked at ", "UnhandledPromise"),
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
    said = tuple(lines)
    begin = next((place for place, line in enumerate(said) if any(trace in line for trace in TRACES)), None)
    if begin is None:
        return ""
    return _last_of(said[begin:]) if PYTHON in said[begin] else said[begin]


def _last_of(said: tuple[str, ...]) -> str:
    """Python says last what it is: in the first line of the same process that is not indented."""
    who = said[0].partition(PYTHON)[0]
    mark = f"{who.split()[-1]} " if who.split() else ""
    own = (line.partition(mark)[2] if mark else line for line in said[1:] if mark in line)
    return next((text for text in own if text.strip() and not text[0].isspace()), said[0])
