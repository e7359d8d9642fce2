"""Having root keep copies of configuration that is good, so that `restore` has something to put back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from opsagent.core.acts import KEEP, name_for
from opsagent.core.order import Order
from opsagent.core.restoring import due
from opsagent.remedies.guard.by_root import ask

if TYPE_CHECKING:
    from opsagent.core.world import World
    from opsagent.daemon.errands import Errands

log = structlog.get_logger("opsagent")


class Keeping:
    """Asks for copies when a unit has been good for a while since its start. For the thread that owns the state."""

    def __init__(self, errands: Errands) -> None:
        """Nothing was asked for yet: after a start of ours each is asked for again, which changes nothing."""
        self._errands = errands
        self._asked: dict[str, str] = {}

    def turn(self, world: World) -> None:
        """Ask for what is due."""
        for unit, mark in due(world, self._asked):
            if self._errands.begin(f"keep {unit}", partial(_keep, unit)):
                self._asked[unit] = mark


def _keep(unit: str) -> None:
    outcome = ask(Order(unit=unit), name_for(KEEP, "", unit))
    if outcome.result != "done":
        log.warning("cannot keep its configuration", unit=unit, result=outcome.result, error=outcome.error)
