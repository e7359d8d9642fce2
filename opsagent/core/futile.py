"""Why a repair cannot help as things are: the port is taken, the disk is full, what it needs is down.

The cause comes partly from what a service said of itself, so that it may hold a repair back and never cause one. Each
reason ends when the host's own facts no longer show it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.acts import RECLAIM
from opsagent.core.archive.pattern import TELL
from opsagent.core.chart import bars
from opsagent.core.diagnosis import Cause, Certainty, diagnose
from opsagent.core.diagnosis.surroundings import FULL
from opsagent.core.phase import Outcome
from opsagent.core.timing import elapsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.incident import Action, Incident
    from opsagent.core.policy import CheckPolicy, RemedyRule
    from opsagent.core.world import World

STARTS = frozenset({"restart", "restart_with_dependants", "reload", "reset_failed", "docker"})
"""Remedies that come down to starting the same program again as things are."""

GROWS_OLD = timedelta(hours=1)
"""What was in vain may help after so long: files are older then, a certificate may have been renewed."""
NEEDS_A_PROCESS = frozenset({"reload", "signal", "stop"})
"""Only what runs can be reloaded, told something or stopped."""
_FOUND_AT_EACH_START = (Cause.CERTIFICATE_EXPIRED, Cause.CANNOT_RUN, Cause.UNKNOWN_USER, Cause.SANDBOX)
_OF_A_CHANGE = (Cause.BAD_CONFIGURATION.value, Cause.CHANGED.value)


def futile(world: World, incident: Incident, check: CheckPolicy, rule: RemedyRule) -> str:
    """Return why this remedy cannot help now, "" where it may; a person's order is asked nothing."""
    if incident.asked_by:
        return ""
    if rule.do == "restore" and incident.cause not in _OF_A_CHANGE:
        return "restore helps only where a changed configuration is the cause"
    if rule.do == RECLAIM and (freed := _nothing_freed(world, incident)):
        return freed
    return _told_to_tell(world, incident, check) or (_not_cured(world, incident, check) if rule.do in STARTS else "")


def has_no_process(world: World, check: CheckPolicy, rule: RemedyRule) -> bool:
    """Whether this remedy needs one and the unit is down."""
    unit = world.state.units.get(check.unit or "")
    return rule.do in NEEDS_A_PROCESS and unit is not None and unit.active_state in ("inactive", "failed")


def path_of(slug: str) -> str:
    """Return where in the memory a pattern stands."""
    return f"failures/patterns/{slug}.md"


def _told_to_tell(world: World, incident: Incident, check: CheckPolicy) -> str:
    """What a person wrote into the archive: up to here and no further."""
    pattern = world.state.archive.pattern(incident.pattern) if incident.pattern else None
    named = [one.do for one in pattern.remedies] if pattern is not None and not pattern.ours else []
    gone = {action.label for action in since_it_worked(incident.tried)}
    allowed = {rule.label for rule in check.repair}
    is_reached = TELL in named and all(label in gone for label in named[: named.index(TELL)] if label in allowed)
    return f"{path_of(incident.pattern)} says to tell a person" if is_reached else ""


def _nothing_freed(world: World, incident: Incident) -> str:
    """In this spell, lately: what it may take away is gone, and a try more would only use up the budget."""
    last = next((one for one in reversed(since_it_worked(incident.tried)) if one.remedy == RECLAIM), None)
    in_vain = last is not None and last.result == "failed" and elapsed(last.at, world.now) < GROWS_OLD
    return "reclaim freed nothing: what fills the disk must be found" if in_vain else ""


def _not_cured(world: World, incident: Incident, check: CheckPolicy) -> str:
    if incident.cause is None:
        return ""
    facts = world.facts.get(check.unit or "")
    near = facts.evidence if facts is not None else None
    return (
        _port(incident, check, near)
        or _disk(incident, near)
        or _configuration(incident, world, check)
        or _memory(world, incident, near)
        or _as_before(world, incident)
    )


def _is_sure(incident: Incident, *causes: Cause) -> bool:
    return incident.certainty == "sure" and incident.cause in [cause.value for cause in causes]


def _port(incident: Incident, check: CheckPolicy, near: Evidence | None) -> str:
    if not _is_sure(incident, Cause.PORT_TAKEN):
        return ""
    port = incident.cause_port
    holders = [one for one in near.listeners if one.port == port] if near is not None else []
    is_free = near is not None and port and not any(one.unit is None or one.unit != check.unit for one in holders)
    return "" if is_free else f"{incident.because}: a restart cannot help, whoever owns that must give way"


def _disk(incident: Incident, near: Evidence | None) -> str:
    if not _is_sure(incident, Cause.DISK_FULL, Cause.INODES_USED_UP):
        return ""
    system = next((one for one in near.systems if one.path == incident.cause_path), None) if near is not None else None
    if system is None:
        return ""
    if system.used >= FULL:
        return f"{system.path} is {system.used:.0f} % full: a restart cannot help before something is freed"
    if system.inodes >= FULL:
        return f"{system.path} has no inodes left: a restart cannot help before files are removed"
    return ""


def _configuration(incident: Incident, world: World, check: CheckPolicy) -> str:
    """What was changed just before and is refused now will be refused again, until somebody changes it anew."""
    unit = world.state.units.get(check.unit or "")
    runs = unit is not None and unit.active_state == "active"
    if incident.cause != Cause.BAD_CONFIGURATION.value or not incident.after_change or runs:
        return ""
    last = incident.tried[-1] if incident.tried else None
    since = last.at if last is not None else incident.began
    is_mended = any(change.of(check.unit) and change.at > since for change in world.state.changes.known)
    lately = since_it_worked(incident.tried)
    is_restored = any(one.remedy == "restore" and one.result == "done" for one in lately)
    if is_mended or is_restored:
        return ""
    return f"its configuration is refused, {incident.after_change}: a restart cannot help, it must be mended"


def _as_before(world: World, incident: Incident) -> str:
    """What a program finds anew at each start is as it was: one may help, where it was mended and not read yet."""
    last = incident.tried[-1] if incident.tried else None
    if last is None or last.remedy not in STARTS or not _is_sure(incident, *_FOUND_AT_EACH_START):
        return ""
    is_recent = elapsed(last.at, world.now) < GROWS_OLD
    return f"{incident.because}, also after a {last.remedy}: a person must mend it" if is_recent else ""


def _memory(world: World, incident: Incident, near: Evidence | None) -> str:
    """Once it may have been bad luck; what is killed for memory again after a restart needs a person."""
    gone = [one for one in incident.tried if one.remedy in STARTS and one.outcome is not Outcome.REFUSED]
    if not gone or near is None or not _is_sure(incident, Cause.OUT_OF_MEMORY):
        return ""
    again = [one for one in diagnose(near) if one.cause is Cause.OUT_OF_MEMORY and one.certainty is Certainty.SURE]
    if not again:
        return ""
    return f"it was restarted once and killed for memory again: {again[0].because}{_curve(world, incident.unit)}"


def _curve(world: World, unit: str | None) -> str:
    """Return how its memory went at the heartbeats, before the last repair of it and since."""
    healed = next((heal.memory for heal in reversed(world.state.heals) if heal.unit == unit), ())
    used = (*healed, *world.state.memory.get(unit or "", ()))
    span = f"{used[0] / 2**20:.0f} to {used[-1] / 2**20:.0f} MiB" if used else ""
    return f"; its memory at the heartbeats, {span}: {bars(used)}" if len(used) > 1 else ""


def waits_for(world: World, incident: Incident) -> str:
    """Return what it needs and is bad, as the evidence showed: that is first; "" where nothing is known of one."""
    if not _is_sure(incident, Cause.DEPENDENCY_DOWN) or incident.asked_by:
        return ""
    owner = world.policy.check(incident.cause_owner)
    if owner is None or owner.key == incident.key:
        return ""
    health = world.health(owner.name)
    return f"needs {owner.name}, which is bad: that first" if health.is_bad or health.suspicious else ""


def since_it_worked(actions: Sequence[Action]) -> Sequence[Action]:
    """Return what was ordered since the last that helped."""
    worked = [place for place, action in enumerate(actions, 1) if action.outcome is Outcome.VERIFIED]
    return actions[worked[-1] :] if worked else actions
