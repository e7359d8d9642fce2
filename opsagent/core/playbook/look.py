"""What a command of a playbook may come to: one of three ways of looking, or a reason why it is left to a person."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LINES = 20
"""Lines that are kept of what one command says."""


class NotAllowedError(Exception):
    """A command that is left to a person; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program by its bare name, to be found only where the host keeps its own, and all its arguments."""

    argv: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and directories among the arguments."""
        return tuple(word for word in self.argv[1:] if word.startswith("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """The first or the last lines of a file below /var/log."""

    path: str
    lines: int = MOST_LINES
    from_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One GET to this host itself. Without `body` only the status of the answer is wanted."""

    url: str
    body: bool = True


Look = Program | LogFile | Question
