"""The remedy `act`: systemd runs one of root's own units, whose command stands in root's settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsagent.core.acts import is_act, unit_of
from opsagent.core.unit import JobOutcome
from opsagent.host import systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.remedies.guard.last_look import on_hold

if TYPE_CHECKING:
    from opsagent.core.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Ask for a restart of `opsagent-act-NAME.service`, the one verb that polkit lets us use on it.

    The command is not ours to choose: what is asked for is a name.
    """

    def act(self, order: Order) -> JobOutcome:
        """Ask for the job and wait for its end: `done` when the command ended with 0, else `failed`."""
        unit = unit_of(order.act)
        return _not_asked(order, unit) or _named(unit, systemd.connection().job("restart", unit, order.timeout))


def _not_asked(order: Order, unit: str) -> JobOutcome | None:
    if not is_act(unit):
        return JobOutcome(result="refused", error=f"cannot ask for {unit!r}: it is no act")
    return on_hold(order) or _at_work(unit)


def _at_work(unit: str) -> JobOutcome | None:
    """A restart would end what is still under way and begin it anew."""
    try:
        found = systemd.connection().snapshot(unit)
    except (BusError, BusLostError):
        return None  # the order itself will say so
    if found is None:
        return JobOutcome(result="refused", error=f"there is no {unit}; run as root: opsagent install --refresh")
    busy = found.job or found.active_state in ("activating", "deactivating")
    return JobOutcome(result="refused", error=f"{unit} is still at work") if busy else None


def _named(unit: str, outcome: JobOutcome) -> JobOutcome:
    """Say which unit it was; what that unit is like now says nothing about the one that is repaired."""
    error = outcome.error or f"{unit}: systemd said {outcome.result}"
    return replace(outcome, error=error, after=None)
