"""The notifier `command`: a program of the host gets the message as JSON on its stdin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import payload
from opsagent.core.message import Delivered, Message
from opsagent.core.text import visible
from opsagent.host import process
from opsagent.notifiers import NotifyError

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Tell people by a program of your own: no shell, a fixed environment, ended with its children at the deadline.

    Exit status 0 means delivered; any other, a signal or the deadline means "try again later".

    command: the program and its arguments; the message is on stdin, never among them.
    timeout: how long it may take.
    """

    command: tuple[str, ...]
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        """Refuse what could never run."""
        if not self.command or not self.command[0].startswith("/"):
            raise ValueError("cannot use this command: its first word must be the full path of a program")

    def send(self, message: Message, *, now: datetime, done: frozenset[str] = frozenset()) -> tuple[Delivered, ...]:  # noqa: ARG002 - a program signs nothing
        """Run the program once; raises NotifyError."""
        target = self.command[0]
        if target in done:
            return ()
        try:
            finished = process.run(self.command, timeout=self.timeout, stdin=payload.encode(message) + b"\n")
        except process.CannotRunError as error:
            raise NotifyError(str(error), retryable=False) from error
        if finished.code != 0:
            raise NotifyError(f"cannot notify by {target}: {self._ending(finished)}", retryable=True)
        return (Delivered(target=target),)

    def _ending(self, finished: process.Finished) -> str:
        if finished.timed_out:
            return f"no end within {self.timeout.total_seconds():g} s"
        words = finished.errors.decode(errors="replace").strip().partition("\n")[0]
        how = f"killed by signal {finished.signal}" if finished.signal else f"exit status {finished.code}"
        return f"{how}: {visible(words, 200)}" if words else how
