"""The remedy `reset_failed`: systemd forgets that the unit failed, and how often it was started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.host import systemd
from opsagent.remedies.guard.last_look import refusal

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Clear the start limit, without which no restart is accepted any more. It starts nothing by itself."""

    def act(self, order: Order) -> JobOutcome:
        """Ask systemd; there is no job to wait for."""
        return refusal(order) or systemd.connection(order.scope).reset_failed(order.unit)
