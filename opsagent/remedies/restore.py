"""The remedy `restore`: root's unit puts configuration back as it was when the unit was good, the other beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsagent.core.acts import name_for
from opsagent.remedies.guard.by_root import ask
from opsagent.remedies.guard.last_look import refusal

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import JobOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Ask for `opsagent-act-restore-UNIT.service`; which files those are stands in the unit."""

    def act(self, order: Order) -> JobOutcome:
        """Do it once: `done` when a file was put back, `failed` when none was; how they differed is its output."""
        outcome = refusal(order) or ask(order, name_for("restore", "", order.unit))
        return replace(outcome, error=outcome.output[-1]) if outcome.result == "done" and outcome.output else outcome
