"""What a remedy is asked to do: everything it needs, decided before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

HOLD_PATH = "/etc/opsagent/HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt on one unit.

    `unit` is the primary name, `scope` whose manager has it (system or user), `timeout` how long the job may
    take, `hold_path` root's file that stops every action, `command` the argv of the remedy `command`, `act` the name
    that the remedy `act` asks for.
    """

    unit: str
    scope: str = "system"
    timeout: timedelta = timedelta(seconds=60)
    hold_path: str = HOLD_PATH
    command: tuple[str, ...] = ()
    act: str = ""
