"""The heartbeat: the full reconciliation of every check, every unit, and what events missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from opsagent.core import inbox
from opsagent.core.observation import Source
from opsagent.core.trend import Point
from opsagent.core.unit import MemoryUsed
from opsagent.daemon import sampling
from opsagent.daemon.lookout import UnderWay
from opsagent.host.cgroups import memory_used

if TYPE_CHECKING:
    from opsagent.daemon.lookout import Lookout
    from opsagent.settings import Settings

MOST_FILLING = 40  # file systems of which a forecast is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A heartbeat under way: when it was planned, when it began, and what was recorded of numbers that may grow.

    `looks` are those it waits for.
    """

    planned: datetime
    at: datetime
    past: Mapping[str, tuple[Point, ...]]
    looks: tuple[UnderWay, ...]
    memory: tuple[MemoryUsed, ...] = ()


class Heartbeat:
    """Begins in the scheduler's thread, is done in the one that owns the state."""

    def __init__(self, lookout: Lookout) -> None:
        """`lookout` does the looking."""
        self._lookout = lookout
        self._begun: list[Begun] = []

    def begin(self, settings: Settings, planned: datetime, now: datetime) -> None:
        """Look at everything; when that was `planned` tells how late it is."""
        for one in settings.watched:
            self._lookout.look(one.policy.name, Source.HEARTBEAT)
        filling = [one.policy.name for one in settings.watched if one.policy.kind == "disk"][:MOST_FILLING]
        past = sampling.past(settings.state, filling, now)
        looks, memory = self._lookout.under_way(), _memory(settings)
        self._begun.append(Begun(planned=planned, at=now, past=past, memory=memory, looks=looks))

    def done(self, now: datetime, *, is_idle: bool) -> inbox.Beat | None:
        """Return the heartbeat once every look that it began has come back, or was written off, and is decided on.

        Later looks are not waited for: at a check that hangs one is always under way.
        """
        looking = self._begun and any(self._lookout.is_awaited(one) for one in self._begun[-1].looks)
        if not self._begun or looking or not is_idle:
            return None
        begun = self._begun.pop()
        self._begun.clear()
        late, seconds = max(0.0, (begun.at - begun.planned).total_seconds()), max(0.0, (now - begun.at).total_seconds())
        return inbox.Beat(late=late, seconds=seconds, past=begun.past, memory=begun.memory)


def _memory(settings: Settings) -> tuple[MemoryUsed, ...]:
    """Read what the units use that may be repaired: whether it grows before each repair shows only over many."""
    armed = dict.fromkeys(one.policy.unit for one in settings.watched if one.policy.repair and one.policy.unit)
    return tuple(MemoryUsed(unit=unit, bytes=used) for unit, used in memory_used(filter(None, armed)))
