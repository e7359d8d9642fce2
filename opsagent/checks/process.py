"""How many processes of a kind run. Where there is a unit, `unit` knows better; this is for what has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from opsagent.core.observation import Measure, Reading, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 5
_COMM = 15
"""Letters of a program's name that the kernel keeps and `ps` shows; we are given the whole where it can be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Processes that match everything that is given. Zombies do not count: they have ended.

    process: exact name of the program, as `ps -o comm` shows it.
    cmdline: text that the command line must contain.
    user: name of the user it runs as.
    min: fewest that must run.
    max: most that may run, or null for any number.
    """

    process: str = ""
    cmdline: str = ""
    user: str = ""
    min: int = 1
    max: int | None = None

    def __post_init__(self) -> None:
        """Refuse at once what matches everything (ValueError)."""
        if not (self.process or self.cmdline or self.user):
            raise ValueError("cannot count processes without at least one of: process, cmdline, user")
        if self.min < 0 or (self.max is not None and self.max < self.min):
            raise ValueError(f"cannot expect between {self.min} and {self.max} processes")

    def observe(self) -> Reading:
        """Count them; each is known by its number and its start time, so that a reused number is another one."""
        found = list(self._matching())
        alive = [one.pid for one, dead in found if not dead]
        zombies = len(found) - len(alive)
        pids = ", ".join(map(str, sorted(alive)[:_SHOWN])) + (", …" if len(alive) > _SHOWN else "")
        told = f"{len(alive)} of {self._wanted()}" + (f" (pid {pids})" if alive else "")
        if zombies:
            told += f", and {zombies} that ended and nobody collected"
        status, failure_class = Status.OK, None
        if len(alive) < self.min:
            told += f", expected at least {self.min}"
            status, failure_class = Status.CRITICAL, "dead" if zombies else "absent"
        elif self.max is not None and len(alive) > self.max:
            told += f", expected at most {self.max}"
            status, failure_class = Status.CRITICAL, "high"
        measures = (Measure(name="count", value=len(alive)), Measure(name="zombies", value=zombies))
        return Reading(status=status, message=told, failure_class=failure_class, measures=measures)

    def _matching(self) -> Iterator[tuple[psutil.Process, bool]]:
        """Yield what matches and whether it is a zombie, asking the cheap question first."""
        for one in psutil.process_iter():
            try:
                if self.process and self.process not in {name := one.name(), name[:_COMM]}:
                    continue
                if self.user and one.username() != self.user:
                    continue
                dead = one.status() == psutil.STATUS_ZOMBIE
                if self.cmdline and not dead and self.cmdline not in " ".join(one.cmdline()):
                    continue
                if (not self.cmdline or not dead or self.process) and one.is_running():
                    yield one, dead
            except psutil.Error:
                continue  # it ended while we looked, or is not ours to read

    def _wanted(self) -> str:
        named = (("process", self.process), ("command line", self.cmdline), ("user", self.user))
        return ", ".join(f"{what} {value!r}" for what, value in named if value)
