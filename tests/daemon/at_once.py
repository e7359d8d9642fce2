"""What tests of the daemon's parts share: a clock whose seconds are ours, errands that are run where they are begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.daemon.clock import Clock
from opsagent.daemon.errands import Errands

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core import inbox


class AtOnce(Errands):
    """Runs an errand where it is begun; it must find nothing."""

    def __init__(self) -> None:
        super().__init__(print)

    def begin(self, name: str, work: Callable[[], inbox.Arrival | None]) -> bool:
        assert work() is None, name
        return True


class Watch(Clock):
    """A clock whose seconds are ours."""

    seconds = 1000.0

    def running(self) -> float:
        return self.seconds
