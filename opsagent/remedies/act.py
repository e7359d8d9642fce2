"""The remedy `act`: systemd runs one of root's own units, whose command stands in root's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.remedies.guard.by_root import ask

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Have the act of that name done."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end: `done` when the command ended with 0, else `failed`."""
        return ask(order, order.act)
