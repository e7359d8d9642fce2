"""The last look before an action: root's HOLD file, and the units nobody ever touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.denied import denied
from opsagent.core.text import visible
from opsagent.core.unit import JobOutcome
from opsagent.host.hold import held

if TYPE_CHECKING:
    from opsagent.core.order import Order


def refusal(order: Order) -> JobOutcome | None:
    """Return why nothing is done to the unit, or None. It was asked long before; this is the moment that counts."""
    if wrong := denied(order.unit):
        return JobOutcome(result="refused", error=wrong)
    return on_hold(order)


def on_hold(order: Order) -> JobOutcome | None:
    """Return the refusal of root's HOLD file, or None."""
    if reason := held(order.hold_path):
        return JobOutcome(result="refused", error=f"HOLD: {visible(reason)}")
    return None
