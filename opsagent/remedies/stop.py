"""The remedy `stop`: root stops the unit, on purpose, to protect the host or for a clean start after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.acts import name_for
from opsagent.remedies.guard.by_root import ask
from opsagent.remedies.guard.last_look import refusal

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Have a unit of root's stop exactly that unit, with whatever cannot run without it."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end: `done` when the unit is down."""
        return refusal(order) or ask(order, name_for("stop", "", order.unit))
