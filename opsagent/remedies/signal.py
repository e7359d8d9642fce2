"""The remedy `signal`: root sends a signal to the main process of the unit, for a last word of it or to wake it."""

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
    """Have a unit of root's send exactly that signal to exactly that unit; only the main process gets it."""

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end: `done` when it was sent, whatever the process makes of it."""
        return refusal(order) or ask(order, name_for("signal", order.act, order.unit))
