"""Repairs that work and are needed again and again: an incident for a person, though everything is green.

Nothing is repaired for it and no check ends it. A person does, or a time without another repair.
"""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.chart import bars, counted
from opsagent.core.incident import CHRONIC, OURSELVES
from opsagent.core.phase import Phase
from opsagent.core.raising import Report, reported
from opsagent.core.report.clock import hhmmss, moment, seen_from
from opsagent.core.signs import LATEST, Kind, common_cause, gaps_of, in_words, lasting, signs_of, too_many
from opsagent.core.timing import elapsed, local_date, spoken
from opsagent.core.world import OPENED, Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from opsagent.core.incident import Incident
    from opsagent.core.signs import Sign
    from opsagent.core.state import Heal
    from opsagent.core.world import World

TELL_AGAIN = timedelta(hours=24)
FRESH = timedelta(minutes=10)
"""A repair is asked what it means when it is new; later nothing follows from it any more."""
QUIET = timedelta(hours=24)
"""Without another repair for so long, or for two of its usual gaps, it is over."""
SLOTS = 24
LISTED = 20


def due(world: World) -> list[Draft]:
    """Return what the repairs of a unit are worth: an incident, more of what is known of it, or its end."""
    for incident in world.state.open_incidents:
        if incident.key.endswith(CHRONIC) and (event := _quiet(world, incident)) is not None:
            return [Draft(event=event, incident=incident.seq)]
    newest = {heal.unit: heal.at for heal in world.state.heals}
    fresh = (unit for unit, at in newest.items() if elapsed(at, world.now) <= FRESH)
    return next((drafts for unit in fresh if (drafts := _found(world, unit))), [])


def _quiet(world: World, incident: Incident) -> ev.IncidentResolved | None:
    unit = incident.key.removesuffix(CHRONIC)
    heals = [heal for heal in world.state.heals if heal.unit == unit]
    last = max((heal.at for heal in heals), default=incident.first_bad_at)
    gaps = gaps_of(heals[-LATEST:])
    lasts = max(QUIET, timedelta(seconds=2 * median(gaps))) if gaps else QUIET
    if elapsed(max(last, incident.began), world.now) < lasts:
        return None
    return ev.IncidentResolved(reason=f"{unit} needed no repair for {spoken(lasts)}")


def _found(world: World, unit: str) -> list[Draft]:
    heals = _counted(world, unit)
    if not heals or _at_work(world, unit):
        return []
    signs = signs_of(heals, world.now)
    known = world.state.open_for(unit + CHRONIC)
    return _told(world, unit, heals, signs) if _is_news(world, unit, signs, known) else []


def _counted(world: World, unit: str) -> list[Heal]:
    """Return the repairs since somebody last said that it is cured, or it was quiet for long."""
    key = unit + CHRONIC
    ended = [one.resolved_at for one in world.state.incidents.values() if one.key == key and one.resolved_at]
    ended += [one.closed_at for one in world.state.past if one.key == key]
    since = max(ended, default=None)
    return [one for one in world.state.heals if one.unit == unit and (since is None or one.at > since)]


def _at_work(world: World, unit: str) -> bool:
    """Whether the unit is down and being repaired at this moment: first things first."""
    there = world.state.open_for(unit)
    return there is not None and (there.state is Phase.REPAIRING or there.running is not None)


def _is_news(world: World, unit: str, signs: Sequence[Sign], known: Incident | None) -> bool:
    """A sign that was not told yet, or the same a day later."""
    if known is None or not known.is_open:
        return bool(signs)
    told = world.state.chronic_told.get(unit)
    later = told is not None and elapsed(told, world.now) >= TELL_AGAIN
    return bool(signs) and (later or any(sign.kind not in known.signs for sign in signs))


def _told(world: World, unit: str, heals: Sequence[Heal], signs: Sequence[Sign]) -> list[Draft]:
    known = world.state.open_for(unit + CHRONIC)
    said = _sentence(unit, heals, signs)
    count, within = too_many(heals, world.now) or (len(heals), heals[-1].at - heals[0].began)
    event = ev.ChronicHealing(
        unit=unit,
        heals=count,
        within=within,
        signs=tuple(sign.kind.value for sign in signs),
        said=said,
        cause=common_cause(heals),
        lines=tuple(_lines(world, heals)),
    )
    if known is not None and known.is_open:
        return [Draft(event=event, incident=known.seq)]
    return [*_raised(world, unit, heals, said), Draft(event=event, incident=known.seq if known else OPENED)]


def _raised(world: World, unit: str, heals: Sequence[Heal], said: str) -> list[Draft]:
    checks = world.policy.checks_of(unit)
    report = Report(
        text=said,
        by=OURSELVES,
        about=heals[-1].check or (checks[0].name if checks else unit),
        key=unit + CHRONIC,
        kind="chronic",
        failure_class="chronic",
        since=heals[0].began,
    )
    return reported(world, report)[0]


def _sentence(unit: str, heals: Sequence[Heal], signs: Sequence[Sign]) -> str:
    many = next((f" {sign.said}" for sign in signs if sign.kind is Kind.TOO_MANY), f" {len(heals)} times")
    rest = [sign.said for sign in signs if sign.kind is not Kind.TOO_MANY]
    more = f", {'; '.join(rest)}" if rest else ""
    cause = common_cause(heals)
    mostly = f"; mostly: {in_words(cause)}" if cause else ""
    return f"{unit} was repaired{many}{more}{mostly}. The repair helps, and cures nothing"


def _lines(world: World, heals: Sequence[Heal]) -> Iterator[str]:
    """Yield the curve, the gaps, how its memory went before the last repair, and the repairs, newest last."""
    begins, ends = heals[0].began, heals[-1].began
    slot = max((ends - begins) / SLOTS, timedelta(seconds=1))
    curve = bars(counted((heal.began for heal in heals), begins, slot, SLOTS))
    zone = world.policy.zone
    yield f"{len(heals)} repairs from {moment(begins, zone)} to {moment(ends, zone)}, {spoken(slot)} a bar: {curve}"
    if gaps := gaps_of(heals[-LATEST:]):
        yield f"Time between them, newest last: {', '.join(map(lasting, gaps))}"
    if memory := heals[-1].memory:
        yield f"Memory before the last one, from {_mib(memory[0])} to {_mib(memory[-1])}: {bars(memory)}"
    for heal in heals[-LISTED:]:
        yield _line(world, heal)


def _when(at: datetime, zone: str, today: date) -> str:
    """Say it to the second on its own day: what else happened then is looked up in a log."""
    return hhmmss(at, zone) if local_date(at, zone) == today else seen_from(at, zone, today)


def _mib(size: float) -> str:
    return f"{size / 2**20:.0f} MiB"


def _line(world: World, heal: Heal) -> str:
    known = world.state.incident(heal.incident)
    label = known.label if known else next((one.label for one in world.state.past if one.seq == heal.incident), None)
    took = f" after {lasting(heal.seconds)}" if heal.seconds is not None else ""
    when = _when(heal.began, world.policy.zone, local_date(world.now, world.policy.zone))
    why = "; ".join(filter(None, (heal.cause, heal.after_change)))
    return f"{when} {heal.remedy or 'repair'} helped{took}{f': {why}' if why else ''}{f' ({label})' if label else ''}"
