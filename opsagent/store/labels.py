"""Labels of incidents: OPS-YYYYMMDD-NNN, in the order in which they were confirmed on a UTC date."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIRST_LETTERED = 10 * 36 * 36
END = 36**3


def numbers() -> Iterator[str]:
    """Yield 001 to 999, then A00 to ZZZ."""
    lettered = (base36(value) for value in range(FIRST_LETTERED, END))
    return chain((f"{value:03}" for value in range(1, 1000)), lettered)


def base36(value: int) -> str:
    """Return a number below 36³ as three characters."""
    return DIGITS[value // 1296] + DIGITS[value // 36 % 36] + DIGITS[value % 36]


def next_label(date: str, used: Collection[str]) -> str:
    """Return the first label of that date (YYYYMMDD, UTC) which is not in use.

    ValueError when all 34,695 of a day are.
    """
    for number in numbers():
        label = f"OPS-{date}-{number}"
        if label not in used:
            return label
    raise ValueError(f"cannot label another incident of {date}: OPS-{date}-001 to OPS-{date}-ZZZ are all used")
