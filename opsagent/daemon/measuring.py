"""Our own figures: counted while we run, written for node_exporter at a pace that costs next to nothing."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from opsagent.core import contract, metrics
from opsagent.core.metrics import tally
from opsagent.core.metrics.text import text
from opsagent.host.own import own
from opsagent.store import draft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from opsagent.agent import Agent
    from opsagent.core.codec import Recorded
    from opsagent.core.observation import Observation
    from opsagent.core.state import State
    from opsagent.daemon.clock import Clock
    from opsagent.daemon.errands import Errands

PACE = 30.0  # seconds; half a minute old is young enough for who asks every fifteen
SHARE = 500  # of a core's time at most one part in so many goes into writing
MODE = 0o644  # node_exporter is another user, and nothing in it is secret


class Measuring:
    """Counts, and tells the figures. `look`, `told` and `turn` are for the thread that owns the state."""

    def __init__(self, agent: Agent, clock: Clock, unwritten: Callable[[], Sequence[str]]) -> None:
        """Nothing is counted yet; `unwritten` tells what cannot be written now."""
        self._agent = agent
        self._clock = clock
        self._unwritten = unwritten
        self._tally = metrics.Tally()
        self._turned_at = clock.now()
        self._next = 0.0
        self._path: Path | None = None
        self._writing = threading.Lock()
        self.trouble = ""
        """Why the textfile cannot be written, "" when it can."""

    def look(self, seen: Observation) -> None:
        """Count a look."""
        self._tally = tally.looked(self._tally, seen)

    def told(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        """Count what one turn recorded."""
        self._tally = tally.told(self._tally, steps)

    def families(self) -> tuple[metrics.Family, ...]:
        """Return the figures as they are. From any thread: what they are made of is frozen."""
        world = self._agent.world(self._turned_at)
        troubles = len(self._unwritten()) + len(contract.troubles(world.state))
        return metrics.families(world, self._tally, own(), troubles)

    def turn(self, path: Path | None, errands: Errands, now: datetime) -> None:
        """Write the textfile when it is time; one that the settings no longer name is taken away."""
        self._turned_at = now
        if path != self._path:
            self._leave()
            self._path, self._next = path, 0.0
        if path is not None and self._clock.running() >= self._next:
            self._next = self._clock.running() + PACE
            errands.begin("textfile", partial(self.write, path))

    def write(self, path: Path) -> None:
        """Write the textfile now; the more it costs, the longer is the wait for the next one."""
        began = self._clock.running()
        with self._writing:  # the last words wait for those before them
            self.trouble = put(path, text(self.families()).encode())
        ended = self._clock.running()
        self._next = max(self._next, ended + (ended - began) * SHARE)

    def end(self, now: datetime) -> None:
        """Say in the file that nobody looks any more."""
        self._turned_at = now
        if self._path is not None:
            self.write(self._path)

    def _leave(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()


def put(path: Path, content: bytes) -> str:
    """Replace a file whole, for everybody to read; return why that is not possible, "" when it was done.

    Until it is renamed its name does not end in `.prom`, for node_exporter reads whatever does.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(draft.opened(beside), "wb") as file:
            os.fchmod(file.fileno(), MODE)
            file.write(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        return f"{path}: {error.strerror}"
    return ""
