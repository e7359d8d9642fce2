"""Whether any unit of this host has failed, also those that nobody thought of."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from opsagent.core.observation import Measure, Reading, Status, ok
from opsagent.host import systemd

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
        failed = [
            f"{unit.name} ({unit.result})"
            for unit in systemd.connection(self.scope).failed_units()
            if not any(fnmatchcase(unit.name, pattern) for pattern in self.ignore)
        ]
        count = Measure(name="failed", value=len(failed))
        if not failed:
            return ok("no unit has failed", count)
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        return Reading(
            status=Status.CRITICAL,
            message=f"{len(failed)} failed: {', '.join(sorted(failed)[:_SHOWN])}{more}",
            failure_class="failed",
            measures=(count,),
        )
