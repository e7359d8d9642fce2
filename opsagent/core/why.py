"""Why a check is treated as it is, in at most twelve lines: seen, rule, state, budget, guards, what happens next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import budget, guards
from opsagent.core.change import phrase
from opsagent.core.incident import Incident
from opsagent.core.observation import Status
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import Mode, RemedyRule
from opsagent.core.quantity import spell
from opsagent.core.remediation import candidate
from opsagent.core.report.clock import hhmmss, seen_from
from opsagent.core.security import lane
from opsagent.core.text import visible
from opsagent.core.timing import elapsed, local_date, spoken
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import Facts

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.guards import Answer
    from opsagent.core.health import Health
    from opsagent.core.job import Plan
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World

MOST_LINES = 12
LONGEST_LINE = 300
_MOST_REFUSALS = 4
_KEPT_BACK = (Repair.WAITING, Repair.HELD, Repair.EXHAUSTED)


def lines(world: World, name: str, *, next_at: datetime | None = None) -> tuple[str, ...]:
    """Explain a check (or the first check of a unit). `next_at` is when it is looked at next, None if not known.

    ValueError names the checks there are.
    """
    check = _check(world, name)
    incident = world.state.open_for(lane(check) if check.security else check.key)
    told = [
        _headline(world, check),
        _seen(world, check),
        _rule(world, check),
        _state(world, incident),
        _armed(world, check),
        _budget(world, check),
        _changed(incident),
        _playbook(incident),
        *_guards(world, check, incident),
        _next(world, check, incident, next_at),
    ]
    return tuple(visible(line, LONGEST_LINE) for line in told if line)[:MOST_LINES]


def _check(world: World, name: str) -> CheckPolicy:
    found = next(iter(world.policy.named(name)), None)
    if found is None:
        known = ", ".join(check.name for check in world.policy.checks)
        raise ValueError(f"cannot find check {visible(repr(name), 80)}, known: {known or 'none'}")
    return found


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
    return f"Rule: {bad}; {good}. Now: {_streak(health)}"


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
    allowed = ", ".join(f"{rule.do} {rule.name}".strip() for rule in check.repair)
    return f"Armed: {allowed} of {check.unit or 'this host'}, mode {world.policy.mode}"


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
    return f"Changed before, newest first: {own}{'; '.join(phrase(one) for one in incident.changes[:3])}"


def _playbook(incident: Incident | None) -> str:
    return f"Playbook: {incident.playbook}" if incident is not None and incident.playbook else ""


def _guards(world: World, check: CheckPolicy, incident: Incident | None) -> list[str]:
    """Give every guard's answer: the refusals one by one, the rest in one line."""
    if not check.unit and not check.repair:
        return ["Guards: not asked, it has no unit and nothing is to be repaired"]
    answers = guards.answers(_case(world, check, incident))
    refused = [answer for answer in answers if answer.reason]
    most = _MOST_REFUSALS - sum(map(bool, (_changed(incident), _playbook(incident))))
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
    return Facts(unit=unit, at=world.now, snapshot=snapshot, also=also)


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
    elif check.repair and world.policy.mode is Mode.AUTO:
        steps.append(f"when it is believed to be bad: {check.repair[0].do} at once, if every guard agrees")
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
