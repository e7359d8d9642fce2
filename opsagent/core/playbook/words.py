"""Options and words of a command: what is not known refuses the whole command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsagent.core.playbook.look import NotAllowedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_FULL_PATH = re.compile(r"(?:/[A-Za-z0-9_.@%+,:=-]+)+/?|/", re.ASCII)
_NOT_FILES = ("/proc", "/sys", "/dev", "/net", "/misc")
"""The kernel's own, and where a look would mount what is far away."""


def split(
    words: Sequence[str], alone: Collection[str] = (), valued: Mapping[str, re.Pattern[str]] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Return the values of the options, and the words that are none. `alone` take no value, `valued` one like that.

    Raises `NotAllowedError` for any other option.
    """
    found: dict[str, str] = {}
    left: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        pattern = (valued or {}).get(name)
        if not word.startswith("-"):
            left.append(word)
        elif pattern is not None and (sign or rest):
            found[name] = fitting(value if sign else rest.pop(0), pattern)
        elif word not in alone:
            raise NotAllowedError(f"the option {word[:40]} is not allowed")
    return found, left


def fitting(word: str, pattern: re.Pattern[str]) -> str:
    """Return the word where all of it is like that. Raises `NotAllowedError`."""
    if not pattern.fullmatch(word):
        raise NotAllowedError(f"{word[:60]!r} is not allowed there")
    return word


def letters(words: Sequence[str], known: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the short options, of which every letter must be known, and the other words."""
    pattern = re.compile(f"-[{known}]+", re.ASCII)
    options = tuple(fitting(word, pattern) for word in words if word.startswith("-"))
    return options, [word for word in words if not word.startswith("-")]


def path(word: str) -> str:
    """Return a full path that lies in no file system of the kernel's own. Raises `NotAllowedError`."""
    if not _FULL_PATH.fullmatch(word) or {".", ".."} & set(word.split("/")):
        raise NotAllowedError(f"{word[:60]!r} is no full path without '..'")
    plain = word.rstrip("/") or "/"
    if any(plain == one or plain.startswith(f"{one}/") for one in _NOT_FILES):
        raise NotAllowedError(f"{plain[:60]} is no place for files")
    return plain
