"""Why nobody is paged for an incident now, and who holds the agent's hands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.maintenance import window_for
from opsagent.core.observation import Severity
from opsagent.core.phase import SILENT, Phase
from opsagent.core.policy import CheckPolicy
from opsagent.core.recovery import judges
from opsagent.core.report.clock import moment
from opsagent.core.roots import failed_root, fell_with_another
from opsagent.core.suspicion import BREAKER
from opsagent.core.text import some
from opsagent.core.timing import by_day, elapsed
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.incident import Incident

BREAKER_ROOTS = 3
BREAKER_WITHIN = timedelta(seconds=60)
BREAKER_QUIET = timedelta(minutes=10)
_NO_SERVICES = ("job", "backup", "disk", "memory", "cpu", "load")
"""Kinds of what runs by itself at its hour, and of what services stand on: neither is a service that fails too."""


def may_reach(world: World, incident: Incident) -> bool:
    """Whether people may hear of it now: never of a SEV4, of a SEV3 by day, of nothing that is kept quiet."""
    if incident.suppressed_by in SILENT or incident.severity in (None, Severity.SEV4):
        return False
    return incident.severity is not Severity.SEV3 or by_day(world.now, world.policy.zone)


def suppressions(world: World) -> list[Draft]:
    """Record every change of the reason for which an incident is kept quiet."""
    drafts: list[Draft] = []
    for incident in world.state.incidents.values():
        if incident.is_open and incident.key != BREAKER:
            by, reason, parent = reason_for(world, incident)
            if by != incident.suppressed_by or (parent is not None and parent != incident.parent):
                event = ev.SuppressionChanged(by=by, reason=reason, parent=parent)
                drafts.append(Draft(event=event, incident=incident.seq))
    return drafts


def reason_for(world: World, incident: Incident) -> tuple[str | None, str, int | None]:
    """Return why an incident is kept quiet (or None), a sentence that says so, and its parent."""
    checks = judges(world, incident)
    quiet = quiet_for(world, checks or (CheckPolicy(name=incident.check, kind="report"),))
    if quiet is not None:
        return (*quiet, None)
    if incident.awaits_person:
        return None, "no longer kept quiet", None  # what no check sees is no other failure's doing
    root = None if incident.blind else failed_root(world, checks)
    if root is not None:
        return "parent", f"needs {root[0].name}, which is down: looked at again after it", _seq(root[1])
    if any(check.name in world.state.flapping for check in checks):
        return "flapping", "changes too often to act on or to page about", None
    breaker = _under_breaker(world, incident)
    if breaker is not None:
        return "parent", "many things fail at once: told together", breaker.seq
    if any(check.unit in world.state.stops for check in checks):
        return "operator_stop", "stopped by an operator: left alone", None
    if world.state.conditions.hold:
        return "hold", f"HOLD: {world.state.conditions.hold}", None
    return None, "no longer kept quiet", None


def _seq(incident: Incident | None) -> int | None:
    return incident.seq if incident is not None else None


def quiet_for(world: World, checks: tuple[CheckPolicy, ...]) -> tuple[str, str] | None:
    """Return maintenance or pause, with a sentence, where pages about these checks are not wanted now."""
    for check in checks:
        window = window_for(world.policy, check.name, world.now)
        if window is not None:
            return "maintenance", f"maintenance window from {window.begins} ({window.zone})"
        pause = paused(world, check, pages=True)
        if pause is not None:
            return "pause", f"paused by {pause.by} until {moment(pause.until, world.policy.zone)}: {pause.reason}"
    return None


def paused(world: World, check: CheckPolicy, *, pages: bool = False, repairs: bool = False) -> ev.PauseSet | None:
    """Return the pause of pages, or of repairs, that covers a check now: its own, its unit's, or that of all."""
    found = [world.state.pauses.get(target) for target in (check.name, check.unit or "", "all")]
    in_force = [one for one in found if one is not None and one.until > world.now]
    return next((one for one in in_force if (pages and one.pages) or (repairs and one.repairs)), None)


def _under_breaker(world: World, incident: Incident) -> Incident | None:
    breaker = world.state.breaker
    if breaker is None or incident.key not in breaker.keys:
        return None
    return world.state.open_for(BREAKER)


def pauses_over(world: World) -> list[Draft]:
    """End the pauses that have run out."""
    over = [target for target, pause in world.state.pauses.items() if pause.until <= world.now]
    return [Draft(event=ev.PauseEnded(target=target)) for target in over]


def stops_over(world: World) -> list[Draft]:
    """End an operator's stop once its unit runs again."""
    running = [
        u for u in world.state.stops if (s := world.state.units.get(u)) is not None and s.active_state == "active"
    ]
    later = [u for u in running if world.state.units[u].read_at > world.state.stops[u].at]
    return [Draft(event=ev.OperatorStopEnded(unit=unit)) for unit in later]


def breaker(world: World) -> list[Draft]:
    """Open the breaker when unrelated things fail at once, close it after ten quiet minutes."""
    roots = [i for i in world.state.open_incidents if _is_root(world, i)]
    recent = tuple(i.key for i in roots if elapsed(_began(i), world.now) < BREAKER_WITHIN)
    state = world.state.breaker
    if state is None:
        reason = f"{len(recent)} unrelated failures within 60 s: {some(recent)}"
        return [Draft(event=ev.BreakerOpened(keys=recent, reason=reason))] if len(recent) >= BREAKER_ROOTS else []
    more = [key for key in recent if key not in state.keys]
    if more:
        reason = f"{some(more)} failed too while the breaker was open"
        return [Draft(event=ev.BreakerOpened(keys=(*state.keys, *more), reason=reason))]
    quiet = elapsed(state.last_at, world.now) >= BREAKER_QUIET
    return [Draft(event=ev.BreakerClosed())] if quiet else []


def _is_of_no_service(world: World, incident: Incident) -> bool:
    check = world.policy.check(incident.check)
    return check is not None and check.kind in _NO_SERVICES


def _began(incident: Incident) -> datetime:
    return incident.reopened_at or incident.detected_at or incident.first_bad_at


def _is_root(world: World, incident: Incident) -> bool:
    """A failure of its own that a check saw; resources and warnings are findings, not failing services."""
    if incident.key == BREAKER or incident.blind or incident.severity is None or incident.severity == "SEV4":
        return False
    if incident.awaits_person or _is_of_no_service(world, incident):
        return False  # words of others stop no repair; and what runs by itself at three o'clock, fails at three o'clock
    by_breaker_or_none = incident.suppressed_by in (None, "hold")
    if not by_breaker_or_none or incident.state not in (Phase.REPAIRING, Phase.PAGED, Phase.VERIFYING):
        return False
    return not fell_with_another(world, incident, judges(world, incident))
