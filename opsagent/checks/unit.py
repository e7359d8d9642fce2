"""How one systemd unit is doing, in systemd's own words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsagent.checks.wire.lending import manager
from opsagent.core.observation import Reading, unknown
from opsagent.core.units import judge
from opsagent.host.bus import BusError, BusLostError

if TYPE_CHECKING:
    from datetime import datetime

_REMEMBERED = 128
"""Looks of each unit that are kept to see a restart loop: ten minutes at one every five seconds."""
_seen: dict[tuple[str, str], deque[tuple[datetime, int]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A unit that should run: not failed, not stuck while starting or stopping, not in a restart loop.

    unit: the full name of the unit, such as nginx.service.
    scope: system, or user for the manager of the user the agent runs as.
    """

    unit: str
    scope: str = "system"

    def observe(self) -> Reading:
        """Read the unit over D-Bus and judge it together with the looks before."""
        try:
            with manager(self.scope) as systemd:
                snapshot = systemd.snapshot(self.unit)
        except (BusError, BusLostError) as error:
            return unknown(f"cannot ask systemd about {self.unit}: {error}", "systemd")
        if snapshot is None:
            return unknown(f"{self.unit} does not exist on this host", "not-found")
        seen = _seen.setdefault((self.scope, self.unit), deque(maxlen=_REMEMBERED))
        reading = judge(snapshot, tuple(seen))
        seen.append((snapshot.read_at, snapshot.nrestarts))
        return reading
