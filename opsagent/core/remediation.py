"""What is done about an incident: which remedy, whether now, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import dependants
from opsagent.core import events as ev
from opsagent.core.acts import act_unit
from opsagent.core.budget import slow_retry_at, used
from opsagent.core.choice import choose, hit_start_limit
from opsagent.core.diagnosis import case
from opsagent.core.earning import followed
from opsagent.core.experience import PREPARING
from opsagent.core.guards import Answer, Case, refusal
from opsagent.core.observation import Status
from opsagent.core.phase import Outcome, Phase, Repair
from opsagent.core.policy import CheckPolicy, Mode, RemedyRule
from opsagent.core.recovery import confirm_of, enough_good, good_since, judges
from opsagent.core.suggesting import suggested
from opsagent.core.suspicion import BREAKER
from opsagent.core.text import some
from opsagent.core.timing import spoken
from opsagent.core.trust import highest
from opsagent.core.units import PATIENCE
from opsagent.core.world import Draft, Facts, FactsWanted, World

if TYPE_CHECKING:
    from opsagent.core.incident import Action, Incident

FACTS_LAST = timedelta(seconds=2)
AFTER_START_LIMIT = timedelta(seconds=60)
TO_END = timedelta(seconds=15)
"""After its time systemd ends an act of root's, and says that; whoever waits no longer than that never hears it."""
_REPAIRABLE = (Phase.REPAIRING, Phase.PAGED, Phase.ACKNOWLEDGED, Phase.SNOOZED)
_PAST = {
    "restart": "restarted",
    "reload": "reloaded",
    "reset_failed": "reset and started",
    "command": "run the command for",
    "act": "run the act for",
    "signal": "sent a signal to",
    "stop": "stopped",
    "restart_with_dependants": "restarted",
    "docker": "restarted the container of",
    "reclaim": "freed disk for",
    "restore": "restored the configuration of",
}


def steps(world: World) -> list[Draft]:
    """Return the next step of the first incident that has one."""
    for incident in world.state.incidents.values():
        if incident.state is Phase.RESOLVED and incident.running is not None and incident.running.ended_at is not None:
            return [Draft(event=_never_proved(incident, incident.running), incident=incident.seq)]
    for incident in world.state.open_incidents:
        if incident.blind or incident.key == BREAKER:
            continue
        drafts = _step(world, incident)
        if drafts:
            return drafts
    return []


def _step(world: World, incident: Incident) -> list[Draft]:
    action = incident.running
    if action is not None:
        verdict = judged(world, incident, action) if action.ended_at is not None else None
        if verdict is None:
            return []
        return [Draft(event=verdict, incident=incident.seq), *followed(world, incident, action, verdict)]
    if incident.state not in _REPAIRABLE:
        return []
    check = failing(world, incident)
    if check is None:
        return _only_watched(world, incident)
    if incident.repair is Repair.IDLE and not incident.asked_by and _refused_from_outside(world, incident):
        reason = f"refused: {incident.actions[-1].reason}"
        event = ev.RepairMoved(to=Repair.EXHAUSTED, reason=reason, next_at=slow_retry_at(world, incident))
        return [Draft(event=event, incident=incident.seq)]
    if not (world.can_record and _is_due(world, incident)):
        return []  # before the choice, which weighs all that is known and is asked for in every turn
    return _act(world, incident, check, choose(world, incident, check).rule)


def _never_proved(incident: Incident, action: Action) -> ev.ActionJudged:
    return _verdict(action, Outcome.UNKNOWN, f"resolved by {incident.resolved_by or 'opsagent'} before it was proved")


def _refused_from_outside(world: World, incident: Incident) -> bool:
    """Systemd or polkit said no to the last order, and the next would be the same: it would be refused again."""
    last = incident.actions[-1] if incident.actions else None
    if last is None or last.outcome is not Outcome.REFUSED or not last.attempt:
        return False
    found = candidate(world, incident)
    return found is None or found[1].label == last.label


def _is_due(world: World, incident: Incident) -> bool:
    return incident.next_repair_at is None or incident.next_repair_at <= world.now


def candidate(world: World, incident: Incident) -> tuple[CheckPolicy, RemedyRule] | None:
    """Return the failing armed check and the remedy that is next in its order, or None when none is armed."""
    check = failing(world, incident)
    return (check, choose(world, incident, check).rule) if check is not None else None


def failing(world: World, incident: Incident) -> CheckPolicy | None:
    """Return the failing armed check that a repair would be for: one that has what a person asked for, if any has."""
    found = [check for check in _repairable(world, incident) if world.health(check.name).suspicious]
    meant = [one for one in found if incident.asked_remedy in {word for r in one.repair for word in (r.do, r.label)}]
    return next(iter(meant or found), None)


def _repairable(world: World, incident: Incident) -> list[CheckPolicy]:
    """Return the armed checks that are critical and believed to be, also those that begin to look better."""
    looks = [(check, world.health(check.name)) for check in judges(world, incident) if check.repair]
    return [check for check, health in looks if health.is_bad and health.status is Status.CRITICAL]


def allowed(world: World, incident: Incident) -> tuple[str, ...]:
    """Return the remedies that the settings allow for this incident."""
    return tuple(dict.fromkeys(rule.do for check in judges(world, incident) for rule in check.repair))


def wanted(world: World) -> tuple[FactsWanted, ...]:
    """Return what must be read before a repair can be decided."""
    found = []
    for incident in world.state.open_incidents:
        if incident.blind or incident.running or incident.state not in _REPAIRABLE or not _is_due(world, incident):
            continue
        check = failing(world, incident)
        if check is not None and check.unit and _fresh(world, check.unit) is None:
            since, said = case.since(world.state, incident), incident.again_message or incident.reason
            found.append(FactsWanted(unit=check.unit, scope=check.scope, since=since, message=said))
    return tuple(found)


def _fresh(world: World, unit: str) -> Facts | None:
    facts = world.facts.get(unit)
    return facts if facts is not None and abs(world.now - facts.at) < FACTS_LAST else None


def _act(world: World, incident: Incident, check: CheckPolicy, rule: RemedyRule) -> list[Draft]:
    facts = _fresh(world, check.unit) if check.unit else Facts(unit=check.name, at=world.now, snapshot=None)
    if facts is None:
        return []
    case = Case(world=world, incident=incident, check=check, rule=rule, facts=facts, forced_by=incident.asked_by)
    answer = refusal(case)
    asks = answer is not None and answer.guard == "mode" and case.mode.mode is Mode.SUGGEST
    other = refusal(case, beside="mode") if asks else answer
    if other is not None:
        return _refused(case, other)
    early = _after_start_limit(case)
    if early:
        return early
    return suggested(case) if asks else [Draft(event=_request(case), incident=incident.seq)]


def _after_start_limit(case: Case) -> list[Draft]:
    ordered = [a for a in case.incident.actions if a.outcome is not Outcome.REFUSED]
    if case.rule.do != "reset_failed" or not ordered or ordered[-1].ended_at is None:
        return []
    due = ordered[-1].ended_at + AFTER_START_LIMIT
    if due <= case.world.now:
        return []
    reason = "start limit hit: cleared and started once more after 60 s"
    return [Draft(event=ev.RepairMoved(to=Repair.WAITING, reason=reason, next_at=due), incident=case.incident.seq)]


def _request(case: Case) -> ev.ActionRequested:
    attempt = 1 + len([a for a in case.incident.actions if a.outcome is not Outcome.REFUSED])
    limits = case.world.policy.per_unit
    snapshot = case.facts.snapshot
    recent = 1 + len(used(case.world, case.unit, limits.within))
    word = "approved" if case.mode.mode is Mode.SUGGEST else "asked"
    asked = f", {word} by {case.forced_by}" if case.forced_by else ""
    by_root = act_unit(case.rule, case.unit)
    through = f", by {by_root}" if by_root else ""
    seen = case.incident.again_message or case.incident.reason
    return ev.ActionRequested(
        remedy=case.rule.do,
        unit=case.unit,
        scope=case.check.scope,
        also=case.touched[1:],
        attempt=attempt,
        invocation_id=snapshot.invocation_id if snapshot else "",
        reason=f"{seen}; attempt {recent} of {limits.attempts} in {spoken(limits.within)}{through}{asked}",
        command=case.rule.command,
        timeout=_patience(case),
        by=case.forced_by,
        act=case.rule.name,
        mode=case.mode.mode,
        running=_running(case),
        choice=choose(case.world, case.incident, case.check).sentence,
    )


def _running(case: Case) -> tuple[str, ...]:
    """Return the units that the action touches and that run now."""
    read = [one for one in (case.facts.snapshot, *case.beside) if one is not None]
    return tuple(one.name for one in read if one.name in case.touched and one.active_state == "active")


def _patience(case: Case) -> timedelta:
    """A job is waited for as long as systemd may take to end it: what is deaf to SIGTERM is killed only after 90 s."""
    units = [one for one in (case.facts.snapshot, *case.facts.also) if one is not None]
    if case.rule.do == "docker":
        return case.rule.timeout + TO_END
    if case.rule.do in ("command", "act", "signal", "reclaim", "restore") or not units:
        return case.rule.timeout
    if case.rule.do == dependants.REMEDY:  # one after the other
        units = [one for one in (case.facts.snapshot, *case.beside) if one is not None and one.name in case.touched]
        return sum(((one.timeout_stop or PATIENCE) + (one.timeout_start or PATIENCE) for one in units), timedelta())
    stop = max(one.timeout_stop or PATIENCE for one in units)
    start = max(one.timeout_start or PATIENCE for one in units)
    return max(case.rule.timeout, stop + start)


def _refused(case: Case, answer: Answer) -> list[Draft]:
    """Record a refusal once, and when the question is asked again; the wait between two tries is no refusal."""
    incident, drafts = case.incident, []
    waits = answer.guard == "budget" and not answer.exhausted
    if incident.asked_by or not (waits or any(_same(a, case, answer) for a in incident.actions)):
        rule, said = case.rule, _said(case, answer)
        event = ev.ActionRefused(remedy=rule.do, unit=case.unit, guard=answer.guard, reason=said, act=rule.name)
        drafts.append(Draft(event=event, incident=incident.seq))
    moved = ev.RepairMoved(to=_repair_of(answer), reason=answer.reason, next_at=answer.again_at)
    drafts.append(Draft(event=moved, incident=incident.seq))
    return drafts


def _same(action: Action, case: Case, answer: Answer) -> bool:
    return action.outcome is Outcome.REFUSED and action.guard == answer.guard and action.label == case.rule.label


def _repair_of(answer: Answer) -> Repair:
    if answer.exhausted:
        return Repair.EXHAUSTED
    waiting = ("budget", "job", "busy", "deploy", "boot", "overload", "just_started", "root", "dependency")
    return Repair.WAITING if answer.guard in waiting else Repair.HELD


def _said(case: Case, answer: Answer) -> str:
    if answer.guard not in ("mode", "armed"):
        return answer.reason
    also = f" (and {', '.join(case.touched[1:])})" if case.touched[1:] else ""
    return f"would have {_PAST.get(case.rule.do, case.rule.do)} {case.unit}{also}: {answer.reason}"


def _only_watched(world: World, incident: Incident) -> list[Draft]:
    """Say once what would have been done about a unit that nobody armed; not where only the last look was good."""
    if incident.unit is None or incident.actions or incident.severity == "SEV4" or incident.security:
        return []
    if _repairable(world, incident):
        return []
    down = next((c for c in judges(world, incident) if world.health(c.name).status is Status.CRITICAL), None)
    if down is None:
        return []
    reason = f"would have restarted {incident.unit}: {down.name} is only watched (repair: [])"
    event = ev.ActionRefused(remedy="restart", unit=incident.unit, guard="armed", reason=reason)
    return [Draft(event=event, incident=incident.seq)]


def judged(world: World, incident: Incident, action: Action) -> ev.ActionJudged | None:
    """Return what the checks, and systemd, say of an action that was carried out; None: too early to say."""
    if action.result == "refused":
        return _verdict(action, Outcome.REFUSED, action.reason)
    if action.result not in ("done", "skipped", "unknown"):
        why = "start limit hit" if hit_start_limit(action) else f"the job ended {action.result}"
        return _verdict(action, Outcome.FAILED, why)
    if incident.state is Phase.VERIFYING:
        return _verified(world, incident, action)
    if incident.relapsed_at is not None and incident.relapsed_at > action.at:
        return _verdict(action, Outcome.RELAPSED, f"good for a moment, then {_bad_again(world, incident)}")
    return _unhelpful(world, incident, action)


def _bad_again(world: World, incident: Incident) -> str:
    readings = [world.health(check.name).reading for check in judges(world, incident)]
    return next((one.message for one in readings if one and one.status is Status.CRITICAL), "bad again")


def _verdict(action: Action, outcome: Outcome, reason: str) -> ev.ActionJudged:
    return ev.ActionJudged(action=action.seq, outcome=outcome, reason=reason)


def _verified(world: World, incident: Incident, action: Action) -> ev.ActionJudged | None:
    checks = judges(world, incident)
    since = good_since(world, checks)
    if since is None or incident.mitigated_at is None or not enough_good(world, checks):
        return None
    # what was about to be stopped may have looked good once more: only what was started can be proved
    begun = max(since, incident.mitigated_at, action.ended_at or action.at)
    if world.now - begun < confirm_of(checks).stable_for:
        return None
    took = spoken(max(timedelta(), incident.mitigated_at - action.at))
    names = some(check.name for check in checks)
    looks = sum(world.health(check.name).good for check in checks)
    reason = f"{names} good {took} after the order, and ever since ({looks} of {looks} probes)"
    return _verdict(action, Outcome.VERIFIED, reason)


def _unhelpful(world: World, incident: Incident, action: Action) -> ev.ActionJudged | None:
    """A look after the order that counts and is bad: the action did not help."""
    for check in judges(world, incident):
        health = world.health(check.name)
        if health.suspicious and health.at is not None and action.ended_at is not None and health.at > action.ended_at:
            reading = health.reading
            if reading is not None and reading.status is not Status.UNKNOWN:
                return _verdict(action, Outcome.FAILED, _still(action, reading.message))
    if action.result == "unknown":
        return _verdict(action, Outcome.UNKNOWN, "nobody saw what became of the order")
    return None


def _still(action: Action, message: str) -> str:
    return f"prepared, and still bad: {message}" if action.remedy in PREPARING else message


def helpless(world: World, incident: Incident) -> str:
    """Return why there is no sensible try left, or "" while there is one."""
    if incident.running is not None:
        return ""
    if incident.blind or incident.awaits_person or incident.key == BREAKER:
        return incident.reason
    if not _repairable(world, incident):
        return "" if _not_looked_yet(world, incident) else incident.reason
    if not world.can_record or highest(world.state, world.policy, judges(world, incident)) is Mode.OBSERVE:
        observing = "mode is observe: nothing is repaired"
        return observing if world.can_record else "the event log cannot be written: nothing is repaired until it can"
    if incident.repair is Repair.EXHAUSTED:
        return incident.repair_reason
    last = incident.actions[-1] if incident.actions else None
    if last is None:
        return ""
    refused = last.outcome is Outcome.REFUSED
    final = refused and (last.guard in FINAL_GUARDS or _refused_from_outside(world, incident))
    if final and (incident.repair in (Repair.HELD, Repair.IDLE)):
        return last.reason
    return "start limit hit" if hit_start_limit(last) and not _can_reset(world, incident) else ""


def _not_looked_yet(world: World, incident: Incident) -> bool:
    """After a start of ours nothing is known before the first look, also not that nothing can be done."""
    unknown = [check for check in judges(world, incident) if not world.health(check.name).settled]
    return any(check.repair for check in unknown) or len(unknown) == len(judges(world, incident))


FINAL_GUARDS = (
    "hold",
    "security",
    "mode",
    "armed",
    "denied",
    "own_stop",
    "masked",
    "disabled",
    "oneshot",
    "change",
    "cause",
)


def _can_reset(world: World, incident: Incident) -> bool:
    return any(rule.do == "reset_failed" for check in judges(world, incident) for rule in check.repair)
