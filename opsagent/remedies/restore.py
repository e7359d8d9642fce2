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
        return told(refusal(order) or ask(order, name_for("restore", "", order.unit)))


def told(outcome: JobOutcome) -> JobOutcome:
    """Return the outcome in the words of its program, as far as the journal has them: the last may come late."""
    said = (line for line in reversed(outcome.output) if line.startswith("restored "))
    return replace(outcome, error=next(said, outcome.error)) if outcome.result == "done" else outcome
