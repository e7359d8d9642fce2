"""The status page: written beside the main loop, soon after anything changed, and every five minutes without that."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opsagent.core.log_row import StoreError
from opsagent.core.page import days as days_
from opsagent.core.page.model import RENEWED, page
from opsagent.core.timing import local_date
from opsagent.memory.page import PageFiles
from opsagent.memory.place import WriteError
from opsagent.store.history import History
from opsagent.store.samples import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from opsagent.core.observation import Observation, Status
    from opsagent.core.page.days import DaySeen
    from opsagent.core.page.model import Page
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World
    from opsagent.daemon.errands import Errands
    from opsagent.settings import Settings

PAUSE = 3.0  # seconds between two pages, however much happens
PATIENCE = 60.0  # seconds that a page may fail to be written before it is worth a word: it is only for looking


class Showing:
    """Keeps the page up to date. `changed`, `turn` and `end` are for the thread that owns the state."""

    def __init__(self, settings: Settings, running: Callable[[], float], redact: Callable[[str], str]) -> None:
        """`running` gives seconds that nobody can set back; every text of others passes `redact`."""
        self._files = PageFiles(settings.memory, layout=settings.layout)
        self._past = Past(settings.state / NAME)
        self._running = running
        self._redact = redact
        self._news = True
        self._not_before = 0.0
        self._renew_at = 0.0
        self._shown: Page | None = None
        self._answers: dict[str, Status] = {}
        self._writing = threading.Lock()
        self._failed = ""
        self._failing_since = 0.0

    def changed(self) -> None:
        """Something was recorded: the page may say something else now."""
        self._news = True

    def looked(self, seen: Observation) -> None:
        """A check was looked at: only another answer than last time is news, for numbers move all the time."""
        if self._answers.get(seen.check) is not seen.reading.status:
            self._answers[seen.check] = seen.reading.status
            self._news = True

    @property
    def trouble(self) -> str:
        """Why the page could not be written for a while, "" when it can."""
        return self._failed if self._running() - self._failing_since >= PATIENCE else ""

    def turn(self, world: World, troubles: Sequence[str], errands: Errands) -> None:
        """Begin to write the page when it is time; one that could not be written is tried again."""
        now = self._running()
        renew = now >= self._renew_at
        if now < self._not_before or not (self._news or renew or self._failed):
            return
        if errands.begin("page", partial(self._errand, world, tuple(troubles), renew=renew)):
            self._news = False
            self._not_before = now + PAUSE
            self._renew_at = now + RENEWED.total_seconds() if renew else self._renew_at

    def end(self, world: World, troubles: Sequence[str]) -> None:
        """Write at once that nobody looks any more."""
        self._write(world, troubles)

    def _errand(self, world: World, troubles: Sequence[str], *, renew: bool) -> None:
        if renew:
            self._past.read(world)
            self._shown = None  # it is good to know that it is of now, even when nothing else is new
        self._write(world, troubles)

    def _write(self, world: World, troubles: Sequence[str]) -> None:
        """Write the page. The last one waits for an errand that writes the one before it."""
        with self._writing:
            self._put(world, troubles)

    def _put(self, world: World, troubles: Sequence[str]) -> None:
        links = self._files.links(local_date(world.now, world.policy.zone))
        made = page(world, self._past.days, links, troubles, self._redact)
        if self._shown is not None and replace(made, as_of=self._shown.as_of) == self._shown:
            return
        try:
            self._files.put(made)
        except WriteError as error:
            self._failing_since = self._failing_since if self._failed else self._running()
            self._failed, self._shown = str(error), None
        else:
            self._failed, self._shown = "", made


class Past:
    """The last days of each check. Days that are over are read once, the one that goes on again and again."""

    def __init__(self, samples: Path) -> None:
        """`samples` is the file of the samples; nothing is read yet."""
        self._samples = samples
        self._zone = ""
        self.days: dict[str, tuple[DaySeen, ...]] = {}

    def read(self, world: World) -> None:
        """Read what is not known yet. Without samples the past stays unknown."""
        zone = world.policy.zone
        shown = days_.dates(world.now, zone)
        known = self.days if zone == self._zone else {}
        try:
            with History.open(self._samples) as history:
                read = {
                    check.name: self._of(check, known.get(check.name, ()), shown, history, world)
                    for check in world.policy.checks
                }
        except (StoreError, OSError):
            return
        self._zone, self.days = zone, read

    def _of(
        self, check: CheckPolicy, known: Sequence[DaySeen], shown: Sequence[date], history: History, world: World
    ) -> tuple[DaySeen, ...]:
        """Yesterday is read again too: its last minute was not on the disk yet when it was read."""
        kept = {day.date: day for day in known[:-2]}
        wanted = [day for day in shown if day not in kept]
        longest = days_.longest_of(check.every)
        since = days_.begin_of(wanted[0], world.policy.zone) - longest
        looks = history.statuses(check.name, since)
        fresh = {day.date: day for day in days_.seen(looks, wanted, world.policy.zone, longest, world.now)}
        return tuple((kept | fresh)[day] for day in shown)
