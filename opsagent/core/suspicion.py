"""From looks to incidents: suspect, confirm or clear; also who is flapping, and who cannot look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.diagnosis import case
from opsagent.core.labels import next_label
from opsagent.core.notices import notice_of
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.policy import SEVERITY_OF, CheckPolicy, Mode
from opsagent.core.roots import dependants
from opsagent.core.severity import blind_severity, severity_of
from opsagent.core.trust import highest
from opsagent.core.world import OPENING, Draft, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.health import Health
    from opsagent.core.incident import Incident

BREAKER = "/breaker"  # the open key of the one incident that many failures at once have; no check is called so
BLIND = "/blind"  # the open key of "cannot look" is the check's own, apart from that of its failure


def told_health(world: World, touched: Iterable[str]) -> list[Draft]:
    """Record confirmed changes of status, and the beginning and end of flapping."""
    drafts: list[Draft] = []
    for name in touched:
        health, known = world.health(name), world.state.health.get(name)
        if health.settled and (known is None or known.status is not health.status):
            drafts.append(Draft(event=_changed(health, world)))
        if health.flapping != (name in world.state.flapping):
            drafts += _flapping_drafts(world, health)
    return drafts


def _changed(health: Health, world: World) -> ev.Event:
    known = world.state.health.get(health.check)
    reading = health.reading
    return ev.HealthChanged(
        check=health.check,
        was=known.status if known else health.status,
        now=health.status,
        message=reading.message if reading else "",
        failure_class=reading.failure_class if reading else None,
    )


def _flapping(health: Health) -> ev.Event:
    percent = round(health.percent_flapping, 1)
    if health.flapping:
        return ev.FlappingStarted(check=health.check, percent=percent)
    return ev.FlappingEnded(check=health.check, percent=percent, status=health.status)


def _flapping_drafts(world: World, health: Health) -> list[Draft]:
    """One notice when it begins, and the end state always; what never pages stays in the digest."""
    event = _flapping(health)
    check = world.policy.check(health.check)
    quiet = check is None or SEVERITY_OF[check.criticality] is Severity.SEV4
    return [Draft(event=event), *([] if quiet else notice_of(world, event))]


def suspected(world: World, touched: Iterable[str]) -> list[Draft]:
    """Open a suspect for the first bad look at something that has no incident; one at a time."""
    for name in touched:
        check = world.policy.check(name)
        if check is None:
            continue
        if _newly_bad(world, check):
            return [Draft(event=_suspect(world, check, check.key), incident=OPENING)]
        if world.health(name).is_blind and world.state.open_for(name + BLIND) is None:
            return [Draft(event=_suspect(world, check, name + BLIND), incident=OPENING)]
    return []


def _newly_bad(world: World, check: CheckPolicy) -> bool:
    if not world.health(check.name).suspicious or check.unit in world.state.stops or check.security:
        return False  # what is about security is reported by itself, see core/security.py
    return world.state.open_for(check.key) is None


def _suspect(world: World, check: CheckPolicy, key: str) -> ev.IncidentSuspected:
    health = world.health(check.name)
    reading = health.reading
    return ev.IncidentSuspected(
        key=key,
        check=check.name,
        unit=check.unit,
        failure_class=(reading.failure_class if reading else None) or "failed",
        message=reading.message if reading else "no answer yet",
        first_bad_at=health.bad_since or world.now,
    )


def settled(world: World) -> list[Draft]:
    """Confirm or clear suspects; one at a time."""
    for suspect in world.state.suspects:
        drafts = _settled(world, suspect) if suspect.key != BREAKER else []
        if drafts:
            return drafts
    return []


def _settled(world: World, suspect: Incident) -> list[Draft]:
    if suspect.key.endswith(BLIND):
        return _settled_blind(world, suspect)
    checks = world.policy.checks_of(suspect.key)
    if not checks:
        return [Draft(event=ev.IncidentWithdrawn(reason="no longer in the settings"), incident=suspect.seq)]
    if any(check.unit in world.state.stops for check in checks):
        return [Draft(event=ev.SuspectCleared(reason="stopped by an operator"), incident=suspect.seq)]
    bad = [check for check in checks if world.health(check.name).is_bad and world.health(check.name).suspicious]
    if bad:
        return [Draft(event=confirmation(world, suspect, bad), incident=suspect.seq)]
    if any(world.health(check.name).suspicious for check in checks) or not _looked(world, suspect.check):
        return []
    cleared = Draft(event=ev.SuspectCleared(reason="good again before it was confirmed"), incident=suspect.seq)
    # a processor that is busy for less than its 15 minutes is no blip worth counting
    return [cleared] if all(check.hold for check in checks) else [cleared, Draft(event=_blip(world, suspect))]


def _looked(world: World, check: str) -> bool:
    """A suspect read back at start is neither confirmed nor cleared before its check has looked again."""
    health = world.health(check)
    return health.blind == 0 and bool(health.good or health.bad)


def _blip(world: World, suspect: Incident) -> ev.BlipSeen:
    looks = world.health(suspect.check).looks[:-1]
    bad = next((count for count, good in enumerate(reversed(looks)) if good), len(looks))
    return ev.BlipSeen(check=suspect.check, message=suspect.reason, looks=max(1, bad))


def _settled_blind(world: World, suspect: Incident) -> list[Draft]:
    check = world.policy.check(suspect.check)
    if check is None:
        return [Draft(event=ev.IncidentWithdrawn(reason="no longer in the settings"), incident=suspect.seq)]
    health = world.health(check.name)
    if not health.is_blind:
        reason = "can look again"
        return (
            [Draft(event=ev.SuspectCleared(reason=reason), incident=suspect.seq)] if _looked(world, check.name) else []
        )
    said = health.reading.message if health.reading else ""
    return [
        Draft(
            event=ev.IncidentConfirmed(
                label=label(world),
                to=Phase.PAGED,
                severity=blind_severity(check),
                failure_class="blind",
                fingerprint=f"{check.key}|{check.kind}|blind",
                reason=f"{check.name} cannot be looked at: {said}",
                checks=(check.name,),
                blind=True,
                scope=dependants(world, check.key),
            ),
            incident=suspect.seq,
        ),
        *case.blinded(world, suspect),
    ]


def confirmation(world: World, suspect: Incident, bad: list[CheckPolicy]) -> ev.IncidentConfirmed:
    """Return the event that turns a suspect into an incident."""
    first = next((check for check in bad if check.name == suspect.check), bad[0])
    reading = world.health(first.name).reading
    failure = (reading.failure_class if reading else None) or suspect.failure_class
    severity = severity_of((check, world.health(check.name)) for check in bad)
    recurred = next((p.label for p in reversed(world.state.past) if p.key == suspect.key), None)
    return ev.IncidentConfirmed(
        label=label(world),
        to=owner(world, bad),
        severity=severity,
        failure_class=failure,
        fingerprint=f"{suspect.key}|{first.kind}|{failure}",
        reason=reading.message if reading else suspect.reason,
        checks=tuple(check.name for check in bad),
        recurrence_of=recurred,
        scope=dependants(world, suspect.key),
    )


def owner(world: World, bad: Iterable[CheckPolicy]) -> Phase:
    """Return who owns a failure of these checks: the agent if it may act on one of them, else people."""
    armed = [check for check in bad if check.repair and world.health(check.name).status == "critical"]
    return Phase.REPAIRING if highest(world.state, world.policy, armed) is Mode.AUTO else Phase.PAGED


def label(world: World) -> str:
    """Return the next free label of today."""
    taken = [i.label for i in world.state.incidents.values() if i.label] + [p.label for p in world.state.past]
    return next_label(world.now.date(), [*taken, *world.taken])
