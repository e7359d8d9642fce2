"""What every remedy of root's shares: systemd is asked to run one of the units `opsagent-act-NAME.service`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.acts import is_act, unit_of
from opsagent.core.text import visible
from opsagent.core.unit import JobOutcome
from opsagent.host import journal, systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.remedies.guard.last_look import on_hold

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.order import Order

LAST_WORDS = 20
_SOON = timedelta(seconds=2)


def ask(order: Order, name: str) -> JobOutcome:
    """Ask for a restart of the act's unit, the one verb that polkit lets us use on it, and wait for its end.

    `done` when its command ended with 0, else `failed`, with what it said last. What it runs is not ours to choose:
    all that is asked for is a name.
    """
    unit = unit_of(name)
    return _not_asked(order, unit) or _asked(order, unit)


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


def _asked(order: Order, unit: str) -> JobOutcome:
    began = systemd.utc_now()
    outcome = systemd.connection().job("restart", unit, order.timeout)
    said = () if outcome.result == "refused" else _words(unit, began)
    error = outcome.error or f"{unit}: systemd said {outcome.result}"
    if outcome.result == "failed" and said:
        error = f"{said[-1]} ({unit})"
    # what that unit is like now says nothing about the one that is repaired
    return replace(outcome, error=error, after=None, output=said)


def _words(unit: str, since: datetime) -> tuple[str, ...]:
    """Return the last lines that its command wrote; where the journal cannot be read it said nothing."""
    try:
        return tuple(map(visible, journal.words(unit, since, LAST_WORDS, _SOON)))
    except journal.JournalError:
        return ()
