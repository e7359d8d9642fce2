"""One deadline for everything a look does, the time each stage took, and the error that names the stage."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from opsagent.core.observation import Measure, Reading, Status, unknown

if TYPE_CHECKING:
    from datetime import timedelta

# Our own side is short of something, or is not allowed to try: that says nothing about the other side.
_OUR_FAULT = {
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EADDRNOTAVAIL,
    errno.EACCES,
    errno.EPERM,
    errno.EAFNOSUPPORT,
}


class StageError(Exception):
    """A look that ended early; `reading` says at which stage and why."""

    def __init__(self, message: str, failure_class: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.reading = Reading(
            status=Status.CRITICAL, message=message, failure_class=failure_class, timed_out=timed_out
        )


class BlindError(StageError):
    """We could not look: the host or our own settings are at fault, not what was looked at."""

    def __init__(self, message: str, failure_class: str = "unknown") -> None:
        super().__init__(message, failure_class)
        self.reading = unknown(message, failure_class)


class Stages:
    """The clock of one look: what is left until its deadline, and when each stage was done (monotonic)."""

    __slots__ = ("_done", "_end", "_start", "allowed")

    def __init__(self, timeout: timedelta) -> None:
        self.allowed = timeout.total_seconds()
        self._start = time.monotonic()
        self._end = self._start + self.allowed
        self._done: dict[str, float] = {}

    def left(self) -> float:
        """Return the seconds left; TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def done(self, stage: str) -> None:
        """Note that a stage is done; only the first time counts."""
        if stage not in self._done:
            self._done[stage] = time.monotonic() - self._start

    def seconds(self) -> float:
        """Return the seconds since the look began."""
        return time.monotonic() - self._start

    def at(self, stage: str) -> float | None:
        """Return the second at which a stage was done, None if it was not reached."""
        return self._done.get(stage)

    def measures(self) -> tuple[Measure, ...]:
        """Return the whole time first, then when each stage was done."""
        stages = (Measure(name=name, value=at, unit="s") for name, at in self._done.items())
        return (Measure(name="time", value=self.seconds(), unit="s"), *stages)


def broken(error: OSError, doing: str, stages: Stages, failure_class: str) -> StageError:
    """Turn a socket's error into one that names what was being done (`cannot connect to …`)."""
    if isinstance(error, TimeoutError):
        return StageError(f"{doing} within {stages.allowed:g} s", "timeout", timed_out=True)
    if isinstance(error, ConnectionRefusedError):
        return StageError(f"{doing}: refused", "refused")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return StageError(f"{doing}: connection reset", "reset")
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    if error.errno in _OUR_FAULT:
        return BlindError(f"{doing}: {reason}")
    return StageError(f"{doing}: {reason}", failure_class)


def spoken(seconds: float | None) -> str:
    """Say a time as people do: `12 ms`, `1.3 s`."""
    if seconds is None:
        return "unknown time"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
