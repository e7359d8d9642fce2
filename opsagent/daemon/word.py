"""Word of how we stand, in files for those who cannot ask us: that we live, and what `opsagent status` would say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsagent.daemon import files, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

PACE = 60.0
"""Seconds after which how we stand is written again although nothing was recorded: numbers in messages move on."""


class Word:
    """`leave` is for the scheduler's thread, the rest for the one that owns the state. `left_at`: when last."""

    def __init__(
        self,
        state: Path,
        status: Callable[[], Mapping[str, Any]],
        now: Callable[[], datetime],
        running: Callable[[], float],
    ) -> None:
        """`status` tells how we stand now; `running` gives seconds that nobody can set back."""
        self._state = state
        self._status = status
        self._now = now
        self._running = running
        self._news = True
        self._renew_at = 0.0
        self.left_at = running()

    def changed(self) -> None:
        """Something was recorded: we stand otherwise now."""
        self._news = True

    def leave(self) -> None:
        """Say that we live; and how we stand, where that is news or old."""
        self.left_at = self._running()
        at = self._now().isoformat()
        if self._news or self._running() >= self._renew_at:
            self._news = False
            self._renew_at = self._running() + PACE
            self.tell()
        files.write(self._state / "heartbeat.json", {"v": 1, "at": at, "fast_loop_at": at, "pid": start.own_pid()})

    def tell(self) -> None:
        """Write down how we stand."""
        files.write(self._state / "status.json", self._status())
