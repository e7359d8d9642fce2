"""What a remedy is asked to do: everything it needs, decided before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

HOLD_PATH = "/etc/opsagent/HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt on one unit.

    `unit` is the primary name, `also` what is to be restarted after it, in this order; `scope` says whose manager has
    them (system or user), `timeout` how long the job may take, `hold_path` is root's file that stops every action,
    `command` the argv of the remedy `command`, `act` the name that a remedy has: of an act, a signal, a container.
    """

    unit: str
    also: tuple[str, ...] = ()
    scope: str = "system"
    timeout: timedelta = timedelta(seconds=60)
    hold_path: str = HOLD_PATH
    command: tuple[str, ...] = ()
    act: str = ""
