"""One finding of `doctor`: how bad, about what, in a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`ok` is good, `warn` works less well than it should, `red` means that a promise is not kept."""

    OK = "ok"
    WARN = "warn"
    RED = "red"


EXIT = {Level.OK: 0, Level.WARN: 1, Level.RED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`about` names what was looked at, `do` is a command or a change to make ("" when there is nothing to do)."""

    level: Level
    about: str
    text: str
    do: str = ""


def ok(about: str, text: str) -> Finding:
    """Return a good finding."""
    return Finding(level=Level.OK, about=about, text=text)


def warn(about: str, text: str, do: str) -> Finding:
    """Return a finding that should be seen to."""
    return Finding(level=Level.WARN, about=about, text=text, do=do)


def red(about: str, text: str, do: str) -> Finding:
    """Return a finding that must be seen to."""
    return Finding(level=Level.RED, about=about, text=text, do=do)
