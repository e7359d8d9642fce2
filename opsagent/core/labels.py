"""The label of an incident: OPS-YYYYMMDD-NNN, by the UTC date of its confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LAST_DECIMAL = 999
_FIRST_LETTERED = 36 * 36 * 10  # A00: the first base-36 number that no decimal one can be


def next_label(day: date, taken: Iterable[str]) -> str:
    """Return the first free label of a day: 001 to 999, then A00, A01 … in base 36."""
    prefix = f"OPS-{day:%Y%m%d}-"
    used = {label.removeprefix(prefix) for label in taken if label.startswith(prefix)}
    number = next(n for n in range(1, _LAST_DECIMAL + 36**3) if _suffix(n) not in used)
    return prefix + _suffix(number)


def _suffix(number: int) -> str:
    if number <= _LAST_DECIMAL:
        return f"{number:03d}"
    rest, text = _FIRST_LETTERED + number - _LAST_DECIMAL - 1, ""
    while rest:
        rest, digit = divmod(rest, 36)
        text = _DIGITS[digit] + text
    return text
