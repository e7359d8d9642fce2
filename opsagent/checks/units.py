"""Whether any unit of this host has failed, also those that nobody thought of."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from opsagent.checks.wire.lending import manager
from opsagent.core.observation import Measure, Reading, Status, ok, unknown
from opsagent.host.bus import BusError, BusLostError

_SHOWN = 8
"""Failed units that the message names; the rest is a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Every failed unit or timer of the host in one reading. It only tells; it never repairs.

    ignore: names of units that may fail, or patterns such as `backup-*.service`.
    scope: system, or user for the manager of the user the agent runs as.
    """

    ignore: tuple[str, ...] = ()
    scope: str = "system"

    def observe(self) -> Reading:
        """Ask systemd which units failed."""
        try:
            with manager(self.scope) as systemd:
                found = systemd.failed_units()
        except (BusError, BusLostError) as error:
            return unknown(f"cannot ask systemd which units failed: {error}", "systemd")
        failed = [f"{unit.name} ({unit.result})" for unit in found if not self._ignored(unit.name)]
        count = Measure(name="failed", value=len(failed))
        if not failed:
            others = f" beside {len(found)} that may, or that checks of their own watch" if found else ""
            return ok(f"no unit has failed{others}", count)
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        return Reading(
            status=Status.CRITICAL,
            message=f"{len(failed)} failed: {', '.join(sorted(failed)[:_SHOWN])}{more}",
            failure_class="failed",
            measures=(count,),
        )

    def _ignored(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)
