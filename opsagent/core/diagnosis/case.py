"""From what the host showed and what is known already to a cause on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.diagnosis import Cause, Certainty, diagnose
from opsagent.core.diagnosis.evidence import LOOKED_AT, Evidence, Neighbour, last_words, looked_at
from opsagent.core.looks import overloaded
from opsagent.core.phase import Outcome
from opsagent.core.roots import failed_root
from opsagent.core.timing import elapsed
from opsagent.core.world import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from opsagent.core.diagnosis.finding import Finding
    from opsagent.core.incident import Incident
    from opsagent.core.observation import Reading
    from opsagent.core.state import State
    from opsagent.core.world import World

JUMP_MATTERS = timedelta(hours=1)
"""How long after the clock was set a failure may come of it: tokens and certificates are judged again by then."""


SINCE = "; after the "
"""Begins what a unit says when it fails otherwise after a try of ours."""
BEFORE = timedelta(minutes=2)
"""How far back before the first bad look the log may speak of it."""


def since(state: State, incident: Incident) -> datetime:
    """Return from when on a log speaks of this failure: from the last try of ours, else from shortly before it.

    What was down already when we first looked speaks by the end of its last run, however long ago that is.
    How its unit went down by an order of ours says nothing of what failed after it: neither the signal before a
    restart, nor the stop of a restart that helped, nor what was done about an earlier incident.
    """
    if incident.tried:
        last = incident.tried[-1]
        return last.ended_at or last.at if last.outcome is Outcome.VERIFIED else last.at
    ours = [one.ended_at or one.at for one in state.attempts if one.touched(incident.unit or "")]
    return max((min(incident.began, _ended(state, incident)) - BEFORE, *ours))


def _ended(state: State, incident: Incident) -> datetime:
    unit = state.units.get(incident.unit or "")
    is_down = unit is not None and unit.active_state in ("inactive", "failed")
    return (unit.inactive_enter_at if unit is not None and is_down else None) or incident.began


def found(world: World, seq: int, evidence: Evidence, *, whole: bool = False) -> list[Draft]:
    """Record the likeliest cause of an incident, when it is at least likely and news; from `whole` also words."""
    incident = world.state.incidents.get(seq)
    if incident is None or incident.blind or _is_our_doing(incident):
        return []
    causes = diagnose(complete(world, incident, evidence))
    if not causes or causes[0].certainty < Certainty.LIKELY or not _is_news(causes[0], incident, whole=whole):
        return []
    return [_named(causes, seq)]


def blinded(world: World, suspect: Incident) -> list[Draft]:
    """Record that the host is too busy, where it is that which blinds a check: its time-outs count for nothing."""
    reading = world.health(suspect.check).reading
    timed_out = reading is not None and reading.timed_out
    causes = diagnose(Evidence(timed_out=timed_out, overload=_overload(world) if timed_out else ""))
    return [_named(causes, suspect.seq)] if causes else []


def _named(causes: tuple[Finding, ...], seq: int) -> Draft:
    first, *others = causes
    event = ev.CauseFound(
        cause=first.cause.value,
        reason=first.because,
        certainty=first.certainty.name.lower(),
        others=_also(others),
        port=first.port,
        path=first.path,
        owner=first.owner,
    )
    return Draft(event=event, incident=seq)


def _is_our_doing(incident: Incident) -> bool:
    """After a signal or a stop of ours, how the unit ended tells of that, and not of the failure."""
    last = incident.tried[-1:]
    return any(one.remedy in ("signal", "stop") and one.label != "signal SIGCONT" for one in last)


def sought(world: World, seq: int, evidence: Evidence) -> list[Draft]:
    """Record the likeliest cause from all the evidence there is, or that it speaks for none: that is an answer too."""
    incident = world.state.incidents.get(seq)
    drafts = found(world, seq, evidence, whole=True)
    if drafts or incident is None or incident.blind or world.policy.check(incident.check) is None:
        return drafts
    whole = complete(world, incident, evidence)
    if incident.because:
        return _otherwise(incident, whole)
    reason = f"no cause found{last_words(whole)}{LOOKED_AT}{looked_at(whole)}"
    event = ev.NoCauseFound(reason=reason, others=_also(diagnose(whole)))
    return [Draft(event=event, incident=seq)]


def _otherwise(incident: Incident, whole: Evidence) -> list[Draft]:
    """Add to a killed unit that does not come back what it says of that: no signal explains it."""
    last, said = incident.tried[-1:], last_words(whole)
    if incident.cause != Cause.KILLED.value or not last or not said or _is_our_doing(incident):
        return []
    reason = f"{incident.because.partition(SINCE)[0]}{SINCE}{last[0].label} it fails otherwise{said}"
    if reason == incident.because:
        return []
    event = ev.CauseFound(
        cause=incident.cause, reason=reason, certainty=incident.certainty, others=incident.other_causes
    )
    return [Draft(event=event, incident=incident.seq)]


def _also(others: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(f"{one.certainty.name.lower()}: {one.because}" for one in others)


def _is_news(first: Finding, incident: Incident, *, whole: bool) -> bool:
    """Whether it says more than is known: surer, or another one as sure; after a try of ours all begins anew."""
    known = Certainty[incident.certainty.upper()] if incident.certainty else Certainty.POSSIBLE
    found_at, begun = incident.cause_at, [one.at for one in incident.tried[-1:]]
    if first.cause is Cause.START_LIMIT and found_at is not None and found_at >= (incident.again_at or found_at):
        return False  # it follows from what is known of this failure, and explains nothing
    begun += [incident.again_at] if incident.again_at is not None else []
    if first.certainty > known or (found_at is not None and any(at > found_at for at in begun)):
        return True
    about = (first.cause.value, first.port, first.path, first.owner)
    is_same = about == (incident.cause, incident.cause_port, incident.cause_path, incident.cause_owner)
    says_more = whole and first.because != incident.because
    return first.certainty == known and (says_more or not is_same)


def complete(world: World, incident: Incident, evidence: Evidence) -> Evidence:
    """Return the evidence with what we know ourselves: the failing check, its neighbours, what changed before."""
    reading = world.health(incident.check).reading
    names = {incident.check, *incident.checks, *(check.name for check in world.policy.checks_of(incident.key))}
    mine = [one for one in evidence.neighbours if one.check in names]
    return replace(
        evidence,
        failure_class=incident.failure_class,
        message=incident.reason,
        timed_out=reading is not None and reading.timed_out,
        ports=tuple(dict.fromkeys(port for one in mine for port in one.ports)),
        owned=_owned(world, incident),
        neighbours=tuple(_as_known(world, one) for one in evidence.neighbours if one not in mine),
        changes=incident.changes,
        overload=_overload(world),
        jumped=_jumped(world),
        zone=world.policy.zone,
        needs=_needs(world, incident),
        took=_took(reading),
    )


def _needs(world: World, incident: Incident) -> tuple[Neighbour, ...]:
    """Return what it needs by `depends_on` or systemd's word, and is bad: the deepest."""
    root = failed_root(world, world.policy.checks_of(incident.key))
    return (_as_known(world, Neighbour(check=root[0].name)),) if root is not None else ()


def _took(reading: Reading | None) -> float | None:
    first = next(iter(reading.measures), None) if reading is not None and not reading.timed_out else None
    return first.value if first is not None and first.name == "time" else None


def _owned(world: World, incident: Incident) -> tuple[int, ...]:
    """Return where its unit listened when the environment was last looked at."""
    environment = world.state.environment.now
    known = (environment.listeners if environment is not None else None) or ()
    return tuple(one.port for one in known if incident.unit is not None and one.unit == incident.unit)


def _overload(world: World) -> str:
    """Return why the host is too busy, "" where it is only its clock that was set."""
    state = world.state
    is_clock = state.overloaded_at == state.jumped_at and not state.conditions.overload
    return "" if is_clock else overloaded(world)


def _jumped(world: World) -> timedelta:
    at = world.state.jumped_at
    return world.state.jumped_by if at is not None and elapsed(at, world.now) < JUMP_MATTERS else timedelta()


def _as_known(world: World, neighbour: Neighbour) -> Neighbour:
    health = world.health(neighbour.check)
    message = health.reading.message if health.reading else ""
    return replace(neighbour, is_bad=health.is_bad or health.suspicious, message=message)
