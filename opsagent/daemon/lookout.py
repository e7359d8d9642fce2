"""Looking: each check at its own pace, in parallel, every look with a hard bound."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from opsagent import checks
from opsagent.core.inbox import Arrival, Looked
from opsagent.core.observation import Observation, Source, Status, unknown
from opsagent.daemon.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opsagent.core.policy import CheckPolicy
    from opsagent.settings import Watched
    from opsagent.store.notebook import Notebook

GRACE = timedelta(seconds=2)  # a check bounds itself; this much later it is called stuck
MOST = 128
"""Looks that may be under way at once, however many checks there are."""
_IMPATIENT = 0.5
"""Seconds that a look may wait for a thread: many slow ones must not delay the quick ones."""


@dataclass(slots=True)
class UnderWay:
    """One look, from when it was asked for until it is back."""

    name: str
    since: float
    bound: float
    begun: bool = False
    written_off: bool = False


class Lookout:
    """Starts looks and posts what they saw. One look at a check at a time."""

    def __init__(
        self,
        post: Callable[[Arrival], None],
        now: Callable[[], datetime],
        size: int,
        before_bad: Callable[[CheckPolicy], None],
        notebook: Notebook | None = None,
    ) -> None:
        """`post` takes what was seen; `size` is how many looks may be under way at once.

        `before_bad` is called by the thread that looked, before it posts bad news. What a look holds in `notebook` is
        written there once that is recorded.
        """
        self._post = post
        self._now = now
        self._before_bad = before_bad
        self._notebook = notebook
        self._pool = Pool("look", size)
        self._watched: Mapping[str, Watched] = {}
        self._under_way: dict[str, UnderWay] = {}

    def watch(self, watched: Mapping[str, Watched], size: int) -> None:
        """Look at these checks from now on."""
        self._watched = watched
        self._pool.size = max(self._pool.size, size)

    def look(self, name: str, source: Source) -> bool:
        """Begin a look unless one is under way; say whether it was begun."""
        one = self._watched.get(name)
        if one is None or name in self._under_way:
            return False
        bound = (one.policy.timeout + GRACE).total_seconds()
        self._under_way[name] = UnderWay(name=name, since=time.monotonic(), bound=bound)
        self._pool.submit(lambda: self._look(one, source))
        return True

    def under_way(self) -> tuple[UnderWay, ...]:
        """Return the looks that are not back yet."""
        return tuple(self._under_way.values())

    def is_awaited(self, look: UnderWay) -> bool:
        """Whether this very look may still come back in time; the next one at its check is another."""
        return self._under_way.get(look.name) is look and not look.written_off

    def is_out(self, name: str) -> bool:
        """Whether a look at this check is under way, written off or not: no other is begun until it is back."""
        return name in self._under_way

    def stuck(self) -> list[str]:
        """Write off looks that are past their bound, say so once as an unknown reading, and name them."""
        self._relieve()
        late = []
        for name, one in list(self._under_way.items()):
            if not one.written_off and time.monotonic() - one.since > one.bound:
                one.written_off = True
                self._pool.write_off()
                late.append(name)
                reading = unknown(f"the look has not come back within {one.bound:.0f} s", "stuck")
                self._post(Looked(seen=Observation(check=name, reading=reading, at=self._now())))
        return late

    def _relieve(self) -> None:
        now = time.monotonic()
        if any(not one.begun and now - one.since > _IMPATIENT for one in list(self._under_way.values())):
            self._pool.relieve(MOST)

    def _look(self, one: Watched, source: Source) -> None:
        name = one.policy.name
        mine = self._under_way.get(name)
        if mine is not None:
            mine.begun, mine.since = True, time.monotonic()  # waiting for a free thread is not the check's fault
        began = time.monotonic()
        reading = checks.observe(one.check)
        seconds = time.monotonic() - began
        try:
            if mine is None or not mine.written_off:
                seen = Observation(check=name, reading=reading, at=self._now(), seconds=seconds, source=source)
                self._tell(seen, one.policy)
            elif self._notebook is not None:
                self._notebook.drop(name)
        finally:
            self._under_way.pop(name, None)
            if mine is not None and mine.written_off:  # asked last: it may have been written off while it told
                self._pool.came_back()

    def _tell(self, seen: Observation, check: CheckPolicy) -> None:
        """Post what was seen; bad news also where it cannot be announced."""
        try:
            if seen.reading.status is Status.CRITICAL:
                self._before_bad(check)
        finally:
            self._post(Looked(seen=seen, recorded=self._note_of(seen.check)))

    def _note_of(self, name: str) -> Callable[[], None] | None:
        book = self._notebook
        held = book.held(name) if book is not None else None
        return partial(book.write, name, held) if book is not None and held is not None else None
