"""What a repair earns its remedy, or costs it: trust that is offered, a mode that is lowered; what people decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.notices import notice_of
from opsagent.core.phase import Outcome
from opsagent.core.policy import Mode
from opsagent.core.trust import ENOUGH, allows, effective, standing
from opsagent.core.world import Draft, World

if TYPE_CHECKING:
    from opsagent.core.incident import Action, Incident
    from opsagent.core.policy import CheckPolicy, RemedyRule
    from opsagent.core.state import State

    Allowed = tuple[CheckPolicy, RemedyRule]

_DOWN = ("failed", "inactive")


_MEANT_TO_TAKE_DOWN = ("signal", "stop")


def followed(world: World, incident: Incident, action: Action, verdict: ev.ActionJudged) -> list[Draft]:
    """Return what a verdict means for the mode of its remedy, and tell a person of it."""
    rule = next(iter(_rules(world, incident.key, action.label)), None)
    if rule is None:
        return []
    said: ev.Event | None = None
    worse = worsening(world.state, action, verdict.outcome)
    if worse and effective(world.state, world.policy, *rule).mode is Mode.AUTO:
        said = ev.RemedyLowered(
            key=incident.key, check=rule[0].name, remedy=action.label, action=action.seq, reason=worse
        )
    elif verdict.outcome == Outcome.VERIFIED and action.mode == Mode.SUGGEST:
        one = standing(world.state, incident.key, action.label)
        if one.worked + 1 >= ENOUGH and one.offered_at is None and one.trusted_at is None:
            said = ev.TrustEarned(key=incident.key, check=rule[0].name, remedy=action.label, worked=one.worked + 1)
    return [Draft(event=said, incident=incident.seq), *notice_of(world, said)] if said is not None else []


def worsening(state: State, action: Action, outcome: str) -> str:
    """Return how an action left its units worse than it found them, or "".

    Only what systemd itself says counts: a unit that ran just before, was touched, and does not run any more. Its own
    unit counts when the action failed, what was restarted with it whatever came of it. Looks are no witnesses: one
    that turns bad late may tell of the failure that was there before. What a person stopped is not our doing, and what
    was to go down did as it should.
    """
    if action.remedy in _MEANT_TO_TAKE_DOWN:
        return ""
    own = (action.unit,) if outcome == Outcome.FAILED else ()
    gone = [name for name in action.running if name in (*own, *action.also) and _is_gone(state, name)]
    if not gone or outcome == Outcome.REFUSED:
        return ""
    return f"{gone[0]} ran before {action.label} of {action.unit}, and does not run any more"


def _is_gone(state: State, name: str) -> bool:
    unit = state.units.get(name)
    if unit is None or name in state.stops:
        return False
    return unit.active_state in _DOWN or "auto-restart" in unit.sub_state


def forgotten(world: World) -> list[Draft]:
    """Forget the trust in what the settings no longer allow: written there again, it begins anew."""
    for one in world.state.standings.values():
        if one.trusted_at is not None and not allows(world.policy, one):
            reason = f"the settings no longer allow {one.remedy} for {one.key}"
            return [Draft(event=ev.TrustForgotten(key=one.key, remedy=one.remedy, reason=reason))]
    return []


def _rules(world: World, key: str, remedy: str) -> list[Allowed]:
    checks = world.policy.checks_of(key)
    return [(check, rule) for check in checks for rule in check.repair if rule.label == remedy]


def decided(world: World, command: cmd.Trust) -> tuple[list[Draft], cmd.Answer]:
    """Return what a person's word about a remedy becomes: it lifts `suggest`, never `observe`; or takes that back."""
    found = world.policy.named(command.check)
    if not found:
        known = ", ".join(check.name for check in world.policy.checks) or "none"
        return _no(f"cannot find check {command.check!r}; known: {known}")
    key, remedy = found[0].key, command.remedy
    rules = _rules(world, key, remedy)
    if not rules:
        allowed = ", ".join(dict.fromkeys(r.label for check in world.policy.checks_of(key) for r in check.repair))
        return _no(f"cannot trust {remedy} for {command.check}: the settings allow {allowed or 'nothing'}")
    rules.sort(key=lambda one: one[0].name != command.check)  # what was named comes first
    return _revoked(world, command, rules) if command.revoke else _given(world, command, rules)


def _given(world: World, command: cmd.Trust, rules: list[Allowed]) -> tuple[list[Draft], cmd.Answer]:
    modes = [(effective(world.state, world.policy, *one), one) for one in rules]
    check, rule = next((one for found, one in modes if found.mode is Mode.SUGGEST), (None, None))
    if check is None or rule is None:
        free = "it needs no trust, " if any(found.mode is Mode.AUTO for found, _ in modes) else ""
        return _no(f"cannot trust {command.remedy} for {command.check}: {free}{modes[0][0].because}")
    event = ev.TrustGiven(
        key=check.key, remedy=rule.label, by=command.by, because=command.because, command=rule.command
    )
    back = f"opsagent trust {command.check} {rule.label} --revoke"
    text = f"{rule.label} of {check.key} goes out without a question from now on; to take it back: {back}"
    return [Draft(event=event, actor=command.by)], cmd.Answer(accepted=True, text=text)


def _revoked(world: World, command: cmd.Trust, rules: list[Allowed]) -> tuple[list[Draft], cmd.Answer]:
    modes = [(effective(world.state, world.policy, *one), one) for one in rules]
    if all(found.mode is not Mode.AUTO for found, _ in modes):
        return _no(
            f"cannot revoke anything: {command.remedy} of {command.check} does not go out, {modes[0][0].because}"
        )
    key = rules[0][0].key
    event = ev.TrustRevoked(key=key, remedy=command.remedy, by=command.by, because=command.because)
    text = f"a person is asked from now on before {command.remedy} of {key} goes out"
    return [Draft(event=event, actor=command.by)], cmd.Answer(accepted=True, text=text)


def _no(text: str) -> tuple[list[Draft], cmd.Answer]:
    return [], cmd.Answer(accepted=False, text=text)
