"""Following a dotted path through JSON."""

from __future__ import annotations

from typing import Any

_DIGITS = 9
"""A list longer than a number of so many digits says has not been read."""


def inside(found: Any, key: str) -> list[Any]:
    """Return what an object has at a key, or a list at a number; nothing when there is no such thing."""
    if isinstance(found, dict) and key in found:
        return [found[key]]
    if isinstance(found, list) and key.isascii() and key.isdigit() and int(key[:_DIGITS]) < len(found):
        return [found[int(key[:_DIGITS])]]
    return []


def found_at(document: Any, path: str) -> tuple[Any, ...]:
    """Return everything at a path such as `data.queues.*.depth`, where `*` is every item of a list or an object."""
    found = [document]
    for key in path.split("."):
        found = [inner for each in found for inner in (_items(each) if key == "*" else inside(each, key))]
    return tuple(found)


def _items(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return list(found.values())
    return found if isinstance(found, list) else []
