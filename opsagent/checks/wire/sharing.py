"""One answer for all looks that wait for it: where asking costs more than the look itself."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from opsagent.host.engines import EngineError, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from opsagent.core.container import Told

T = TypeVar("T")
_NEVER = float("-inf")


class Shared(Generic[T]):
    """The last answer to one question, and the turn to ask it again: one look asks at a time."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self._turn: queue.LifoQueue[tuple[float, T | None]] = queue.LifoQueue()
        self._turn.put((_NEVER, None))

    def answer(self, ask: Callable[[], T], seconds: float) -> T:
        """Return an answer that was asked for after this look began; TimeoutError when our turn does not come in time.

        What `ask` raises is raised, and the next look asks again.
        """
        wanted_at = time.monotonic()
        try:
            began, answer = self._turn.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"others have waited {seconds:g} s for the same answer") from None
        try:
            if answer is None or began < wanted_at:
                began, answer = time.monotonic(), None
                answer = ask()
            return answer
        finally:
            self._turn.put((began, answer))


_readers: dict[Path, Shared[Told]] = {}


def told_by(path: Path, timeout: timedelta) -> Told:
    """Return what the reader of containers at this socket says; EngineError when it does not answer.

    Each answer is a program that root runs.
    """
    reader = _readers.get(path) or _readers.setdefault(path, Shared())
    try:
        return reader.answer(lambda: read(path, timeout), timeout.total_seconds())
    except TimeoutError:
        raise EngineError(f"no answer from {path} in time", "timeout") from None
