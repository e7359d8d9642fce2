"""The way back: more bad news, the first good look, relapse, resolution, closing; what nobody can judge any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.observation import Proof, Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.policy import Confirm
from opsagent.core.report.clock import moment
from opsagent.core.severity import severity_of
from opsagent.core.suspicion import BREAKER, owner
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.incident import Incident
    from opsagent.core.policy import CheckPolicy

REOPEN_WINDOW = timedelta(minutes=30)
FLAPPING_FACTOR = 4
_WAITING = (Phase.REPAIRING, Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED)


def judges(world: World, incident: Incident) -> tuple[CheckPolicy, ...]:
    """Return the checks whose looks decide about this incident."""
    if incident.blind:
        check = world.policy.check(incident.check)
        return (check,) if check else ()
    return world.checks_of(incident)


def moved(world: World) -> list[Draft]:
    """Return what the latest looks mean for the confirmed incidents; one step at a time."""
    for incident in world.state.incidents.values():
        if incident.state is Phase.SUSPECT or incident.key == BREAKER:
            continue
        event = _step(world, incident, judges(world, incident))
        if event is not None:
            return [Draft(event=event, incident=incident.seq)]
    return []


def withdrawn(world: World) -> Incident | None:
    """Return an incident that nothing can judge any more: its check is gone from the settings.

    Not one that somebody reported: it never was a check's.
    """
    known = world.state.incidents.values()
    incidents = (one for one in known if one.state is not Phase.SUSPECT and not one.raised_by)
    return next((one for one in incidents if one.key != BREAKER and not judges(world, one)), None)


def _step(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    if incident.state in _WAITING:
        return _recovered(world, incident, checks) or _worse(world, incident, checks)
    if incident.state is Phase.VERIFYING:
        return _relapsed(world, incident, checks) or _resolved(world, incident, checks)
    return _reopened(world, incident, checks) or _closed(world, incident)


def _good(world: World, incident: Incident, check: CheckPolicy) -> bool:
    health = world.health(check.name)
    if incident.blind:
        return health.at is not None and health.blind == 0
    return health.good > 0 and health.bad == 0


def _recovered(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    looked = [world.health(check.name) for check in checks]
    if incident.awaits_person or not checks or not all(_good(world, incident, check) for check in checks):
        return None
    since = max((h.good_since for h in looked if h.good_since is not None), default=world.now)
    message = next((h.reading.message for h in looked if h.reading is not None), "good")
    return ev.RecoverySeen(mitigated_at=since, message=message)


def _worse(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    bad = [check for check in checks if world.health(check.name).is_bad]
    joined = next((check for check in bad if check.name not in incident.checks), None)
    if joined is not None:
        reading = world.health(joined.name).reading
        message, failure = (reading.message, reading.failure_class) if reading else ("bad", None)
        return ev.CheckJoined(check=joined.name, message=message, failure_class=failure)
    severity = severity_of((check, world.health(check.name)) for check in bad)
    if incident.blind or incident.severity is None or severity.value >= incident.severity.value:
        return None
    return ev.SeverityRaised(to=Severity(severity), reason=_said(world, bad[0]))


def _said(world: World, check: CheckPolicy) -> str:
    reading = world.health(check.name).reading
    return f"{check.name}: {reading.message}" if reading else check.name


def _relapsed(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    bad = [check for check in checks if _bad_again(world, incident, check)]
    if not bad:
        return None
    reading = world.health(bad[0].name).reading
    to = incident.owner if incident.owner is not Phase.VERIFYING else Phase.REPAIRING
    return ev.Relapsed(to=to, message=_said(world, bad[0]), failure_class=reading.failure_class if reading else None)


def _bad_again(world: World, incident: Incident, check: CheckPolicy) -> bool:
    health = world.health(check.name)
    return health.is_blind if incident.blind else health.is_bad and health.suspicious


def good_since(world: World, checks: tuple[CheckPolicy, ...]) -> datetime | None:
    """Return since when all of these checks have been good without a break; None if one is not."""
    begins = [since for check in checks if (since := world.health(check.name).good_since) is not None]
    return max(begins) if begins and len(begins) == len(checks) else None


def enough_good(world: World, checks: tuple[CheckPolicy, ...]) -> bool:
    """Whether each of these checks had its number of good looks in a row, and could look the last time."""
    looked = [(check, world.health(check.name)) for check in checks]
    return all(h.good >= check.confirm.successes and not h.blind for check, h in looked)


def confirm_of(checks: tuple[CheckPolicy, ...]) -> Confirm:
    """Return the most patient stable and resolve times of these checks."""
    if not checks:
        return Confirm()
    return Confirm(
        stable_for=max(check.confirm.stable_for for check in checks),
        resolve_after=max(check.confirm.resolve_after for check in checks),
        retry=min(check.confirm.retry for check in checks),
    )


def _resolved(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    if incident.running is not None:
        return None  # first it is judged whether that helped
    since = good_since(world, checks) or (incident.good_since if incident.blind else None)
    unseen = any(world.health(check.name).blind for check in checks)
    if since is None or unseen or not (incident.blind or enough_good(world, checks)):
        return None
    needed = max(confirm_of(checks).resolve_after, confirm_of(checks).stable_for)
    if any(check.name in world.state.flapping for check in checks):
        needed *= FLAPPING_FACTOR
    since = max(since, incident.good_since or since)
    if world.now - since < needed:
        return None
    return ev.IncidentResolved(reason=f"good since {moment(since, world.policy.zone)}", proof=proofs(world, checks))


def proofs(world: World, checks: tuple[CheckPolicy, ...]) -> tuple[Proof, ...]:
    """Return by how many looks in a row each check is known to be good, and since when."""
    looked = [(check.name, world.health(check.name)) for check in checks]
    return tuple(Proof(check=name, looks=h.good, since=h.good_since) for name, h in looked if h.good and h.good_since)


def _reopened(world: World, incident: Incident, checks: tuple[CheckPolicy, ...]) -> ev.Event | None:
    """Only a look that was taken since then: what a person resolved by force still looked bad at that moment."""
    bad = [check for check in checks if _bad_again(world, incident, check) and _looked_since(world, incident, check)]
    stopped = any(check.unit in world.state.stops for check in checks)
    if not bad or stopped:
        return None
    reading = world.health(bad[0].name).reading
    to = Phase.PAGED if incident.blind else owner(world, bad)
    failure = reading.failure_class if reading else None
    return ev.IncidentReopened(to=to, message=_said(world, bad[0]), failure_class=failure)


def _looked_since(world: World, incident: Incident, check: CheckPolicy) -> bool:
    at = world.health(check.name).at
    return at is not None and (incident.resolved_at is None or at > incident.resolved_at)


def _closed(world: World, incident: Incident) -> ev.Event | None:
    if incident.resolved_at is None or world.now - incident.resolved_at < REOPEN_WINDOW:
        return None
    return ev.IncidentClosed()


def still_bad(world: World, incident: Incident) -> tuple[CheckPolicy, ...]:
    """Return the checks that still say that it fails, or said so last before a start of ours."""
    return tuple(c for c in judges(world, incident) if _last_status(world, c) in (Status.CRITICAL, Status.WARNING))


def _last_status(world: World, check: CheckPolicy) -> Status:
    health, known = world.health(check.name), world.state.health.get(check.name)
    return health.status if health.settled or known is None else known.status
