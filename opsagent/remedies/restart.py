"""The remedy `restart`: systemd restarts the unit; a unit that is down is started by it too."""

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
    """Restart the unit over D-Bus in mode `fail`, so that no job of a person is ever replaced."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end; `done` does not mean that the unit works."""
        return refusal(order) or systemd.connection(order.scope).job("restart", order.unit, order.timeout)
