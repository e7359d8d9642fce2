"""What is wrong with the settings, and where: every problem has a file, a line and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 60
LONGEST_PATH = 400


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A line (from 1) of a file."""

    path: str
    line: int

    def __str__(self) -> str:
        """Write it as editors understand it."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, in one sentence that says what is allowed."""

    place: Place
    text: str

    def __str__(self) -> str:
        """Write `file:line: what is wrong, what is allowed`."""
        return f"{self.place}: {self.text}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds everything that is wrong, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems sorted and once each."""
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(value: object, limit: int = LONGEST_SHOWN) -> str:
    """Quote a value from a file for a message: cut, and with its control characters written out."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    return repr(text if len(text) <= limit else text[:limit] + "…")
