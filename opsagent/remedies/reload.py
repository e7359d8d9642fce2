"""The remedy `reload`: systemd asks the unit to read its configuration again."""

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
    """Reload the unit over D-Bus in mode `fail`; systemd refuses it for a unit that is down."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end."""
        return refusal(order) or systemd.connection(order.scope).job("reload", order.unit, order.timeout)
