"""The remedy `command`: a program of the settings, run as the daemon's own user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.core.text import readable, visible
from opsagent.core.unit import JobOutcome
from opsagent.host import process
from opsagent.remedies.guard.last_look import on_hold

if TYPE_CHECKING:
    from opsagent.core.order import Order

LAST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """Run the argv of the settings: no shell, a fixed environment, ended with its children at the deadline.

    What it leaves running in the background is ended with it: a service belongs into a unit, not into a remedy.
    """

    def act(self, order: Order) -> JobOutcome:
        """Run it once: `done` on exit 0, else `failed` or `timeout`, with its last lines."""
        refused = on_hold(order)
        if refused:
            return refused
        try:
            finished = process.run(order.command, timeout=order.timeout)
        except process.CannotRunError as unstartable:
            return JobOutcome(result="refused", error=str(unstartable))
        result, error = _verdict(finished)
        return JobOutcome(result=result, error=error, seconds=finished.seconds, output=_last_lines(finished))


def _verdict(finished: process.Finished) -> tuple[str, str]:
    if finished.timed_out:
        return "timeout", "no end in time"
    if finished.signal:
        return "failed", f"killed by signal {finished.signal}"
    return ("done", "") if finished.code == 0 else ("failed", f"exit status {finished.code}")


def _last_lines(finished: process.Finished) -> tuple[str, ...]:
    # Errors last: they say why, and only the last lines are kept.
    return tuple(map(visible, readable(finished.output + b"\n" + finished.errors)))[-LAST_LINES:]
