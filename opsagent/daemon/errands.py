"""Errands: slow reading beside the main loop (inventories, journals, hashes), one of a kind at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from opsagent.daemon.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.inbox import Arrival

log = structlog.get_logger("opsagent")
AT_ONCE = 2


class Errands:
    """Runs work in threads of its own and posts what it found. Begin one from any thread."""

    def __init__(self, post: Callable[[Arrival], None]) -> None:
        """`post` takes what an errand found."""
        self._post = post
        self._pool = Pool("errand", AT_ONCE)
        self._under_way: set[str] = set()
        self._door = threading.Lock()

    def begin(self, name: str, work: Callable[[], Arrival | None]) -> bool:
        """Run `work` unless the errand of that name is still under way; say whether it was begun.

        The work bounds itself. One that raises is told in the log and has found nothing.
        """
        with self._door:
            if name in self._under_way:
                return False
            self._under_way.add(name)
        self._pool.submit(lambda: self._run(name, work))
        return True

    def _run(self, name: str, work: Callable[[], Arrival | None]) -> None:
        try:
            found = work()
        except Exception:
            log.exception("an errand failed; this is a mistake in opsagent", errand=name)
            found = None
        finally:
            with self._door:
                self._under_way.discard(name)
        if found is not None:
            self._post(found)
