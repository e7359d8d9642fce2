"""Durations and sizes as people write them: `30s`, `1h30m`, `64KiB`. One parser for settings and command line."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NewType

Bytes = NewType("Bytes", int)
"""A size in bytes; a settings field of this type is written as `64KiB` or `5GiB`."""

LONGEST = timedelta(days=3650)
"""Ten years: longer is a slip of the pen, and far from where timedelta overflows."""

_STEPS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
    ("ms", timedelta(milliseconds=1)),
)
DURATION_PATTERN = r"^(?=[0-9])([0-9]{1,8}d)?([0-9]{1,8}h)?([0-9]{1,8}m)?([0-9]{1,8}s)?([0-9]{1,8}ms)?$"
_DURATION = re.compile(DURATION_PATTERN.removesuffix("$"), re.ASCII)
SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
SIZE_PATTERN = r"^[0-9]{1,15}(B|[KMGT]i?B)$"
_SIZE = re.compile(r"([0-9]{1,15})(B|[KMGT]i?B)", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


def _shown(text: str) -> str:
    return repr(text[:40])


def duration(text: str) -> timedelta:
    """Read `500ms`, `30s`, `5m`, `2h`, `1d` or `1h30m`. ValueError says what is allowed."""
    if _NUMBER.fullmatch(text):
        message = f"cannot read {_shown(text)} as a duration, write {text}s (units: ms, s, m, h, d)"
        raise ValueError(message)
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"cannot read {_shown(text)} as a duration, allowed: 500ms, 30s, 5m, 2h, 1d or 1h30m"
        raise ValueError(message)
    parts = zip(_STEPS, found.groups(), strict=True)
    total = sum((step * int(part.removesuffix(unit)) for (unit, step), part in parts if part), timedelta())
    if total > LONGEST:
        message = f"cannot use a duration of {_shown(text)}, the longest is {LONGEST.days}d"
        raise ValueError(message)
    return total


def spell(length: timedelta) -> str:
    """Write a duration the way `duration` reads it: `1h30m`, `0s`; parts below a millisecond are dropped."""
    parts = []
    for unit, step in _STEPS:
        count, length = divmod(length, step)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def size(text: str) -> Bytes:
    """Read `512B`, `64KiB`, `5GiB` (powers of 1024) or `5GB` (powers of 1000). ValueError says what is allowed."""
    found = _SIZE.fullmatch(text)
    if found is None:
        message = f"cannot read {_shown(text)} as a size, allowed: a whole number with B, KiB, MiB, GiB, TiB, KB … TB"
        raise ValueError(message)
    return Bytes(int(found[1]) * SIZES[found[2]])


def within(key: str, value: float | None, least: float, most: float) -> None:
    """Do nothing if `value` is None or from `least` to `most`; ValueError says what is allowed."""
    if value is not None and not least <= value <= most:
        message = f"cannot use {key} {value:.15g}, allowed: {least:.15g} to {most:.15g}"
        raise ValueError(message)


def in_order(first: tuple[str, float | None], second: tuple[str, float | None]) -> None:
    """Take two keys with their values; ValueError if both have one and the first is the greater."""
    if first[1] is not None and second[1] is not None and first[1] > second[1]:
        said = f"cannot use {first[0]} {first[1]:.15g} with {second[0]} {second[1]:.15g}"
        message = f"{said}, allowed: {first[0]} up to {second[0]}, or null"
        raise ValueError(message)
