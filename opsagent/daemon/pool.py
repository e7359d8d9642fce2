"""Threads for work that may get stuck: a stuck one is written off and replaced, and harms no other."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger("opsagent")

Work = Callable[[], None]
IDLE_SECONDS = 30.0


class Pool:
    """At most `size` threads at work, plus those written off. Threads come when needed and go when idle."""

    def __init__(self, name: str, size: int) -> None:
        """Make no thread yet."""
        self.size = size
        self._name = name
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def submit(self, work: Work) -> None:
        """Have it done by the next free thread."""
        with self._lock:
            self._waiting.put(work)
            if self._idle < self._waiting.qsize() and self._threads < self.size:
                self._hire()

    def relieve(self, most: int) -> None:
        """Allow a thread for each work that waits, `most` in all: those who are at work take long."""
        with self._lock:
            waiting = self._waiting.qsize() - self._idle
            self.size = max(self.size, min(most, self._threads + waiting))
            for _ in range(min(waiting, self.size - self._threads)):
                self._hire()

    def write_off(self) -> None:
        """Allow one more thread, because one of ours does not come back; it ends when it does."""
        with self._lock:
            self.size += 1

    def came_back(self) -> None:
        """Take the extra thread away again: the stuck one is back."""
        with self._lock:
            self.size -= 1

    def _hire(self) -> None:
        with contextlib.suppress(RuntimeError):  # the limit of tasks is reached: who is there does it, or the next one
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
            self._threads += 1

    def _serve(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                work = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                work = None
            with self._lock:
                self._idle -= 1
                if work is None or self._threads > self.size:
                    self._threads -= 1
                    if work is not None:
                        self._waiting.put(work)
                    return
            try:
                work()
            except Exception:
                log.exception("work failed; this is a mistake in opsagent")  # the thread goes on: there are few of them
