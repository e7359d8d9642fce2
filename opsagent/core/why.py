"""Why a check is treated as it is, in at most twelve lines: seen, rule, state, budget, guards, what happens next.

What no check of the settings sees (any more) is explained by its incidents.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import budget, dependants, guards, startup
from opsagent.core.choice import NO_NEWS, choose
from opsagent.core.incident import Incident
from opsagent.core.nearness import ranked
from opsagent.core.observation import Status
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Mode, RemedyRule
from opsagent.core.quantity import spell
from opsagent.core.remediation import candidate
from opsagent.core.report.clock import hhmmss, moment, seen_from
from opsagent.core.security import lane
from opsagent.core.text import visible
from opsagent.core.timing import elapsed, local_date, spoken
from opsagent.core.together import causes
from opsagent.core.trust import effective
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import Facts

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.guards import Answer
    from opsagent.core.health import Health
    from opsagent.core.job import Plan
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.state import Past
    from opsagent.core.world import World

MOST_LINES = 12
LONGEST_LINE = 300
_MOST_REFUSALS = 4
_MOST_STANDING = 2
"""Incidents that are explained in full."""
_MOST_REPAIRS = 6
_KEPT_BACK = (Repair.WAITING, Repair.HELD, Repair.EXHAUSTED)


def lines(world: World, name: str, *, next_at: datetime | None = None) -> tuple[str, ...]:
    """Explain a check, the first check of a unit, or an incident. `next_at`: when it is looked at next, if known.

    ValueError names the checks there are.
    """
    check = _check(world, name)
    told = _of_check(world, check, next_at) if check is not None else _of_incidents(world, name)
    return tuple(visible(line, LONGEST_LINE) for line in told if line)[:MOST_LINES]


def _of_check(world: World, check: CheckPolicy, next_at: datetime | None) -> list[str]:
    incident = world.state.open_for(_key(check))
    return [
        _headline(world, check),
        _seen(world, check),
        _rule(world, check),
        _state(world, incident) + _beside(world, check, incident),
        _armed(world, check),
        _budget(world, check),
        _changed(incident),
        _chosen(world, check, incident),
        _playbook(incident),
        *_guards(world, check, incident),
        _next(world, check, incident, next_at),
    ]


def _key(check: CheckPolicy) -> str:
    """Return the open key of the incident that explains a check: of security, what it found and not how it looks."""
    return lane(check) if check.security else check.key


def _check(world: World, name: str) -> CheckPolicy | None:
    """Return the check of that name, of that unit, or that the open incident of that id is about."""
    labelled = {one.key for one in world.state.open_incidents if one.label == name.upper()}
    about = (check for check in world.policy.checks if _key(check) in labelled)
    return next(iter(world.policy.named(name)), None) or next(about, None)


def _of_incidents(world: World, name: str) -> list[str]:
    """Explain what is called so by its incidents: those that stand, the newest first, then those that are over."""
    label = name.upper()
    known = [one for one in world.state.incidents.values() if one.label is not None]
    there = [one for one in reversed(known) if one.label == label or name in (one.check, one.unit, one.key)]
    over = [one for one in reversed(world.state.past) if one.label == label or name in (one.check, one.key)]
    if not there and not over:
        checks = ", ".join(check.name for check in world.policy.checks) or "none"
        raise ValueError(f"cannot find check {visible(repr(name), 80)}, known: {checks}")
    is_label = label in {*(one.label for one in there), *(one.label for one in over)}
    head = "" if is_label else f"{name}: no check of the settings is called so (any more); its incidents in 30 days:"
    told = [line for one in there[:_MOST_STANDING] for line in _standing(world, one)]
    return [head, *told, *(_over(world, one) for one in over)]


def _standing(world: World, incident: Incident) -> list[str]:
    ends = f"no check sees it, only a person ends it: opsagent resolve {incident.label}"
    if incident.signs:
        ends = f"it ends after a day or more without a repair, or when you say so: opsagent resolve {incident.label}"
    steps = _steps(world, incident)
    return [
        f"{incident.check}: {incident.reason}{_since(world, incident.first_bad_at)}",
        _state(world, incident),
        *incident.repairs[:_MOST_REPAIRS],
        *causes(world.state, incident)[:_MOST_REPAIRS],
        f"Reported by {incident.raised_by}; {ends}" if incident.awaits_person and incident.is_open else "",
        f"Next: {'; '.join(steps)}" if steps else f"Look: opsagent show {incident.label}",
    ]


def _over(world: World, past: Past) -> str:
    lasted = f" for {spoken(timedelta(seconds=past.seconds))}" if past.seconds is not None else ""
    begun = moment(past.first_bad_at, world.policy.zone)
    how = "repaired by opsagent" if past.healed else "not repaired by opsagent"
    return f"{past.label} {past.check}: over, bad from {begun}{lasted}, {how}; look: opsagent show {past.label}"


def _beside(world: World, check: CheckPolicy, incident: Incident | None) -> str:
    """Name what is open about a check beside that: a report, or that it cannot be looked at."""
    others = [one for one in world.state.open_incidents if one.check == check.name and one is not incident]
    labelled = [one for one in others if one.label is not None]
    return "".join(f"; beside it {one.label} {one.severity} is {one.state}: why {one.label}" for one in labelled[:2])


def _headline(world: World, check: CheckPolicy) -> str:
    health = world.health(check.name)
    about = f"{check.kind}, {check.unit}" if check.unit else check.kind
    status = Status.UNKNOWN if health.is_blind else health.status
    return f"{check.name} ({about}) is {status}{_since(world, health.since)}"


def _since(world: World, since: datetime | None) -> str:
    if since is None:
        return ""
    when = seen_from(since, world.policy.zone, local_date(world.now, world.policy.zone))
    return f" since {when} ({spoken(elapsed(since, world.now))})"


def _seen(world: World, check: CheckPolicy) -> str:
    health = world.health(check.name)
    if health.reading is None or health.at is None:
        return "Seen: nothing yet"
    return f"Seen: {health.reading.message}, at {_clock(world, health.at)} {world.policy.zone}"


def _rule(world: World, check: CheckPolicy) -> str:
    confirm, health = check.confirm, world.health(check.name)
    if check.job is not None:
        return f"Rule: {_plan(check.job)}; bad at once, good again after a run that ends well"
    held = f" and {spell(check.hold)} long" if check.hold else ""
    bad = f"bad after {confirm.failures} bad looks in a row{held}, {spell(confirm.retry)} apart"
    good = f"good again after {confirm.successes} good ones and {spell(confirm.stable_for)}"
    rule = "; ".join(filter(None, (bad, good, startup.said(world, check))))
    return f"Rule: {rule}. Now: {_streak(health)}"


def _plan(plan: Plan) -> str:
    begins = plan.spelled() if plan.every is not None else f"{plan.spelled()} in {plan.zone}"
    longest = f", and run for at most {spell(plan.max_runtime)}" if plan.max_runtime else ""
    return f"it should begin {begins}, with {spell(plan.grace)} of grace{longest}"


def _streak(health: Health) -> str:
    counts = (("good", health.good), ("bad", health.bad), ("blind", health.blind))
    return ", ".join(f"{count} {word} in a row" for word, count in counts if count) or "not looked at yet"


def _state(world: World, incident: Incident | None) -> str:
    if incident is None:
        return "State: no incident"
    if incident.state is Phase.SUSPECT:
        return f"State: suspected since {_clock(world, incident.first_bad_at)}, not believed yet"
    said = incident.repair_reason if incident.repair in _KEPT_BACK else ""  # what held it once is over
    repair = f"repair {incident.repair}" + (f" ({said})" if said else "")
    quiet = f", quiet because of {incident.suppressed_by}" if incident.suppressed_by else ""
    return f"State: {incident.label} {incident.severity} is {incident.state}{_holder(incident)}, {repair}{quiet}"


def _holder(incident: Incident) -> str:
    return f" by {incident.acknowledged_by}" if incident.state is Phase.ACKNOWLEDGED else ""


def _armed(world: World, check: CheckPolicy) -> str:
    if not check.repair:
        return "Armed: no, only watched (repair: [])"
    allowed = ", ".join(f"{rule.label}{_own_mode(world, check, rule)}" for rule in check.repair)
    return f"Armed: {allowed} of {check.unit or 'this host'}, mode {world.policy.mode}"


def _own_mode(world: World, check: CheckPolicy, rule: RemedyRule) -> str:
    """Say which mode a remedy is in, and why, where it is not the file's."""
    found = effective(world.state, world.policy, check, rule)
    plain = found.mode is world.policy.mode and found.because == f"mode is {found.mode}"
    return "" if plain else f" ({found.mode}: {found.because})"


def _budget(world: World, check: CheckPolicy) -> str:
    if not check.repair or not check.unit:
        return ""
    unit, limits, whole = check.unit, world.policy.per_unit, world.policy.per_host
    recent = len(budget.used(world, unit, limits.within))
    today = len(budget.used(world, unit, timedelta(hours=24)))
    host = sum(elapsed(one.at, world.now) < whole.within for one in world.state.attempts)
    mine = f"{recent} of {limits.attempts} used in {spell(limits.within)}, {today} of {limits.per_day} in 24h"
    return f"Budget: {mine}; host {host} of {whole.actions} in {spell(whole.within)}"


def _changed(incident: Incident | None) -> str:
    if incident is None or not incident.changes:
        return ""
    own = f"{incident.after_change}; " if incident.after_change else ""
    return f"Changed before, nearest first: {own}{'; '.join(one.words() for one in ranked(incident)[:3])}"


def _chosen(world: World, check: CheckPolicy, incident: Incident | None) -> str:
    """Say which remedy is next and why, where one stands to be chosen; else why the last one was."""
    if incident is None or not check.repair or not incident.is_open:
        return ""
    choice = choose(world, incident, check)
    is_news = incident.choice not in ("", choice.sentence) and NO_NEWS not in incident.choice
    last = f"; the last: {incident.choice}" if is_news else ""
    return f"Choice: {choice.sentence}{last}" if last or not choice.is_blind else ""


def _playbook(incident: Incident | None) -> str:
    return f"Playbook: {incident.playbook}" if incident is not None and incident.playbook else ""


def _guards(world: World, check: CheckPolicy, incident: Incident | None) -> list[str]:
    """Give every guard's answer: the refusals one by one, the rest in one line."""
    if not check.unit and not check.repair:
        return ["Guards: not asked, it has no unit and nothing is to be repaired"]
    answers = guards.answers(_case(world, check, incident))
    refused = [answer for answer in answers if answer.reason]
    most = _MOST_REFUSALS - sum(map(bool, (_changed(incident), _chosen(world, check, incident), _playbook(incident))))
    agreed = ", ".join(answer.guard for answer in answers if not answer.reason)
    shown = [f"Guard {answer.guard}: no, {answer.reason}{_again(world, answer, incident)}" for answer in refused[:most]]
    if len(refused) > most:
        rest = ", ".join(answer.guard for answer in refused[most - 1 :])
        shown[-1] = f"Guards that say no as well: {rest}"
    return [*shown, f"Guards that agree: {agreed or 'none'}"]


def _again(world: World, answer: Answer, incident: Incident | None) -> str:
    """Say when a budget is asked again: when that is planned already, then; else by what it answers now."""
    planned = incident.next_repair_at if incident is not None else None
    if answer.guard != "budget" or answer.again_at is None:
        return ""
    return f" (again at {_clock(world, planned or answer.again_at)})"


def _case(world: World, check: CheckPolicy, incident: Incident | None) -> guards.Case:
    """Return what would be asked if this check were to be repaired now, from what was last read about its unit."""
    shown = incident or _imagined(world, check)
    found = candidate(world, shown)
    rule = found[1] if found and found[0] == check else next(iter(check.repair), RemedyRule(do="restart"))
    return guards.Case(world=world, incident=shown, check=check, rule=rule, facts=_facts(world, check))


def _facts(world: World, check: CheckPolicy) -> Facts:
    unit = check.unit or ""
    fresh = world.facts.get(unit)
    if fresh is not None:
        return fresh
    snapshot = world.state.units.get(unit) or UnitSnapshot(name=unit, read_at=world.now, scope=check.scope)
    also = tuple(
        world.state.units.get(name) or UnitSnapshot(name=name, read_at=world.now, scope=check.scope)
        for name in snapshot.also
    )
    below = dependants.below(world.policy, unit) if dependants.wants_them(world.policy, unit) else ()
    known = tuple(world.state.units[name] for name in below if name in world.state.units)
    return Facts(unit=unit, at=world.now, snapshot=snapshot, also=also, dependants=known)


def _imagined(world: World, check: CheckPolicy) -> Incident:
    return Incident(
        seq=0,
        key=check.key,
        check=check.name,
        checks=(check.name,),
        unit=check.unit,
        state=Phase.REPAIRING,
        failure_class="",
        reason="",
        first_bad_at=world.now,
    )


def _next(world: World, check: CheckPolicy, incident: Incident | None, next_at: datetime | None) -> str:
    steps = [f"looked at {_clock(world, next_at)}" if next_at else f"looked at every {spell(check.every)}"]
    if incident is not None:
        steps += _steps(world, incident)
    elif check.unit in world.state.stops:
        steps.append("left alone until somebody starts it")
    elif (
        check.repair and (mode := effective(world.state, world.policy, check, check.repair[0]).mode) is not Mode.OBSERVE
    ):
        how = "at once" if mode is Mode.AUTO else "once a person approves it"
        steps.append(f"when it is believed to be bad: {check.repair[0].do} {how}, if every guard agrees")
    else:
        steps.append("when it is believed to be bad: recorded, and told to people by its severity")
    return f"Next: {'; '.join(steps)}"


def _steps(world: World, incident: Incident) -> list[str]:
    whens = (
        ("repair asked again", incident.next_repair_at),
        ("next level told", incident.next_level_at),
        ("the hold ends", incident.ack_until if incident.state is Phase.ACKNOWLEDGED else None),
        ("the quiet ends", incident.snoozed_until),
    )
    due = sorted((at, what) for what, at in whens if at is not None)
    steps = [f"{what} {_clock(world, at)}" for at, what in due]
    if incident.repair is Repair.EXHAUSTED:
        steps.append("tried again slowly, checked on and on")
    if incident.state is Phase.VERIFYING and incident.good_since is not None:
        resolve_after = min((c.confirm.resolve_after for c in world.checks_of(incident)), default=timedelta())
        steps.append(f"resolved {_clock(world, incident.good_since + resolve_after)} if it stays good")
    return steps


def _clock(world: World, at: datetime) -> str:
    return hhmmss(at, world.policy.zone)
