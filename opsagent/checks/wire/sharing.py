"""One answer of the reader of containers for all looks that wait for it: each answer is a program that root runs."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from opsagent.host.engines import EngineError, read

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from opsagent.core.container import Told

    Turn = queue.LifoQueue[tuple[float, Told | None]]

_turns: dict[Path, Turn] = {}
_NEVER = float("-inf")


def told_by(path: Path, timeout: timedelta) -> Told:
    """Return what the reader at this socket says, asked after this look began; EngineError when it does not answer."""
    asked_at = time.monotonic()
    turn = _turns.get(path) or _turns.setdefault(path, _fresh())
    try:
        began, told = turn.get(timeout=timeout.total_seconds())
    except queue.Empty:
        raise EngineError(f"no answer from {path} in time", "timeout") from None
    if told is None or began < asked_at:
        began, told = time.monotonic(), None
    try:
        told = told or read(path, timeout)
    finally:
        turn.put((began, told))
    return told


def _fresh() -> Turn:
    turn: Turn = queue.LifoQueue()
    turn.put((_NEVER, None))
    return turn
