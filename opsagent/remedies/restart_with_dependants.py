"""The remedy `restart_with_dependants`: the unit is restarted, then those that depend on it, one after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.unit import JobOutcome
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.remedies.guard.last_look import refusal

if TYPE_CHECKING:
    from opsagent.core.order import Order
    from opsagent.core.unit import UnitSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Restart the unit, then each of `also` in their order, which is that of the graph, roots first."""

    def act(self, order: Order) -> JobOutcome:
        """Wait for each job before the next; the first that does not end well ends it all, and is named."""
        deadline = time.monotonic() + order.timeout.total_seconds()
        before = {unit: _invocation(unit, order.scope) for unit in order.also}
        outcome = _restarted(order, deadline)
        for unit in order.also:
            if outcome.result != "done":
                return outcome
            after = _restarted_once(replace(order, unit=unit), before[unit], deadline)
            if after.result not in ("done", "skipped"):
                said = after.error or f"systemd said {after.result}"
                failed = "failed" if after.result == "refused" else after.result  # the unit itself was restarted
                return replace(outcome, result=failed, error=f"{order.unit} was restarted, {unit} was not: {said}")
        return outcome


def _restarted(order: Order, deadline: float) -> JobOutcome:
    left = timedelta(seconds=max(0.0, deadline - time.monotonic()))
    return refusal(order) or systemd.connection(order.scope).job("restart", order.unit, left)


def _restarted_once(order: Order, before: str, deadline: float) -> JobOutcome:
    """Restart it, unless systemd did so with a unit before it: what it began is waited for instead."""
    left = timedelta(seconds=max(0.0, deadline - time.monotonic()))
    try:
        found = systemd.connection(order.scope).settled(order.unit, left)
    except (BusError, BusLostError) as error:
        return JobOutcome(result="unknown", error=str(error))
    return JobOutcome(result="skipped") if _is_new(found, before) else _restarted(order, deadline)


def _is_new(found: UnitSnapshot | None, before: str) -> bool:
    return found is not None and found.active_state == "active" and found.invocation_id not in ("", before)


def _invocation(unit: str, scope: str) -> str:
    try:
        found = systemd.connection(scope).snapshot(unit)
    except (BusError, BusLostError):
        return ""  # the order itself will say so
    return found.invocation_id if found is not None else ""
