"""Which remedy is next: among those that the settings allow, by the cause, by what people wrote, by what worked.

Nothing here can add a remedy. What a service says, and what the archive holds, only holds back or changes the order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import in_order
from opsagent.core.diagnosis.finding import Cause
from opsagent.core.experience import PREPARING, Experience, Tally
from opsagent.core.futile import futile, has_no_process, path_of, since_it_worked
from opsagent.core.policy import Mode, RemedyRule
from opsagent.core.timing import spoken
from opsagent.core.trust import effective

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsagent.core.incident import Action, Incident
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.world import World

HOPELESS = 3
"""So many tries of which none worked, and a remedy is skipped."""
USUAL_WAIT = 60.0
"""Seconds for which the base rate looks where a remedy's own time is not known: proving it takes about as long."""
CALLED_FOR: dict[Cause, tuple[str, ...]] = {
    Cause.DISK_FULL: ("reclaim",),
    Cause.INODES_USED_UP: ("reclaim",),
    Cause.CERTIFICATE_EXPIRED: ("command", "act"),
    Cause.HANG: ("signal",),
    Cause.FROZEN: ("signal SIGCONT",),
    Cause.BAD_CONFIGURATION: ("restore",),
    Cause.CHANGED: ("restore",),
}
"""What a cause calls for before anything else, by the beginnings of labels; a table, for a person to check."""
NO_NEWS = "is next of what is allowed, and was never tried for this failure"
_OF_USE_ONLY_THERE = ("reclaim", "signal", "restore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The remedy that is next, why it is, in a sentence, and for each that was passed over why.

    `is_blind`: nothing is known that speaks for it, it is only the next of the list.
    """

    rule: RemedyRule
    why: str
    skipped: tuple[str, ...] = ()
    is_blind: bool = False

    @property
    def sentence(self) -> str:
        """All of it for a person: `restart worked 4 of 5 times …; reload skipped: it never worked (0 of 3)`."""
        return "; ".join((self.why, *self.skipped))


def choose(world: World, incident: Incident, check: CheckPolicy) -> Choice:
    """Return what is tried next for this check, which must be armed: what a person asked for, else the best of it."""
    asked = next((rule for rule in check.repair if incident.asked_remedy in (rule.do, rule.label)), None)
    if asked is not None:
        return Choice(rule=asked, why=f"{asked.label} was asked for by a person")
    if check.ordered:
        here = in_order.place(world, incident, check)
        step = f"step {here.number} of {len(check.repair)} of the playbook of {check.name}"
        rule = here.next or check.repair[-1]
        return Choice(rule=rule, why=f"{rule.label} is {step}")
    known = _known_before(world, incident)
    rules = ordered(world, incident, check, known)
    rule = _next(incident, check, rules, known)
    passed = [one for one in check.repair[: check.repair.index(rule)] if one.do != "reset_failed"]
    acting = _acting(world, check, [rule, *passed])
    observed = [f"{one.label} skipped: it is only observed" for one in passed if rule in acting and one not in acting]
    skipped = (*observed, *_passed(incident, [one for one in passed if one in acting], known))
    why = _why(world, incident, rule, known)
    return Choice(rule=rule, why=why or f"{rule.label} {NO_NEWS}", skipped=skipped, is_blind=not why and not skipped)


def _known_before(world: World, incident: Incident) -> Experience:
    """Return what was known when this spell began: what fails in it moves on, and does not turn the order around."""
    known = world.state.experience.get(incident.fingerprint) or Experience(fingerprint=incident.fingerprint)
    return replace(known, tallies=tuple(one.before(incident.began) for one in known.tallies))


def ordered(world: World, incident: Incident, check: CheckPolicy, known: Experience) -> tuple[RemedyRule, ...]:
    """Return what may be tried in the order in which it makes sense; it is never empty, and never more than allowed."""
    fitting = tuple(rule for rule in check.repair if not has_no_process(world, check, rule))
    rules = _acting(world, check, fitting) or fitting or check.repair
    sensible = [rule for rule in rules if not futile(world, incident, check, rule)]
    hopeful = [rule for rule in sensible if not is_hopeless(known.tally(rule.label), incident)]
    places = {rule: place for place, rule in enumerate(check.repair)}
    best = hopeful or sensible or list(rules)
    named = by_people(world, incident)

    def key(rule: RemedyRule) -> tuple[int, int, float, int]:
        place = named.index(rule.label) if rule.label in named else len(named)
        return place, _rank(incident, rule), -worth(known, rule.label), places[rule]

    return tuple(sorted(best, key=key))


def _acting(world: World, check: CheckPolicy, rules: Iterable[RemedyRule]) -> tuple[RemedyRule, ...]:
    """What is only observed does not stand in the way of what may be done."""
    state, policy = world.state, world.policy
    return tuple(rule for rule in rules if effective(state, policy, check, rule).mode is not Mode.OBSERVE)


def by_people(world: World, incident: Incident) -> tuple[str, ...]:
    """Return what the pattern that speaks of this failure names, in its order, where a person or an agent wrote it."""
    pattern = world.state.archive.pattern(incident.pattern) if incident.pattern else None
    return tuple(one.do for one in pattern.remedies) if pattern is not None and not pattern.ours else ()


def _rank(incident: Incident, rule: RemedyRule) -> int:
    if incident.cause is None:
        return 1
    if is_called_for(incident.cause, rule):
        return 0
    return 2 if rule.do in _OF_USE_ONLY_THERE else 1


def is_called_for(cause: str | None, rule: RemedyRule) -> bool:
    """Whether this is what the cause wants first."""
    wanted = next((labels for one, labels in CALLED_FOR.items() if one.value == cause), ())
    return any(rule.label == label or rule.label.startswith(f"{label} ") for label in wanted)


def worth(known: Experience, label: str) -> float:
    """Return how much more often a remedy ends this failure than nothing does, from -1 to 1.

    Both are means of a Beta distribution that begins at one success and one failure, so that one lucky try does not
    rule: of 1 in 1 it makes 0.67, of 8 in 10 0.75.
    """
    tally = known.tally(label)
    back, seen = known.alone(tally.median or USUAL_WAIT)
    return _mean(tally.worked, tally.tried) - _mean(back, seen)


def _mean(worked: int, tried: int) -> float:
    return (worked + 1) / (tried + 2)


def is_hopeless(tally: Tally, incident: Incident) -> bool:
    """Whether it was tried often enough before this incident and never helped; the budget bounds it within one."""
    return tally.before(incident.first_bad_at).tried >= HOPELESS and tally.worked == 0


def hit_start_limit(action: Action) -> bool:
    """A start job that failed without a new invocation: systemd's start limit refused it."""
    is_restart = action.remedy == "restart" and action.result == "failed"
    return is_restart and bool(action.before) and action.after == action.before


def _next(incident: Incident, check: CheckPolicy, rules: tuple[RemedyRule, ...], known: Experience) -> RemedyRule:
    """Each try in vain moves on to what was not tried yet; when all were, what worked most repeats, else the last."""
    tried = since_it_worked([action for action in incident.actions if action.attempt > 0])
    reset = next((rule for rule in check.repair if rule.do == "reset_failed"), None)
    if reset is not None and tried and hit_start_limit(tried[-1]):
        return reset
    plain = [rule for rule in rules if rule.do != "reset_failed"] or list(rules)
    gone = Counter(action.label for action in tried)
    for rule in plain:
        if not gone[rule.label]:
            return rule
        gone[rule.label] -= 1
    curing = [rule for rule in plain if rule.do not in PREPARING] or plain
    return max(curing, key=lambda rule: (worth(known, rule.label), check.repair.index(rule)))


def _why(world: World, incident: Incident, rule: RemedyRule, known: Experience) -> str:
    tally = known.tally(rule.label)
    said = told(tally)
    if rule.label in by_people(world, incident):
        return f"{rule.label} is named by {path_of(incident.pattern)}" + (f" and {said}" if said else "")
    if is_called_for(incident.cause, rule):
        return f"{rule.label} is what {incident.cause} calls for" + (f" and {said}" if said else "")
    if not said:
        return ""
    back, seen = known.alone(tally.median or USUAL_WAIT)
    alone = f"; it came back by itself {back} of {seen} times in the same time" if seen else ""
    return f"{rule.label} {said}{alone}"


def told(tally: Tally) -> str:
    """Return what a remedy came to: `worked 4 of 5 times for this failure, median 2.1 s`; "" if it was never tried."""
    if not tally.tried:
        return ""
    if not tally.worked:
        return f"never worked for this failure (0 of {tally.tried})"
    took = f", median {spoken(timedelta(seconds=tally.median))}" if tally.median is not None else ""
    return f"worked {tally.worked} of {tally.tried} times for this failure{took}"


def _passed(incident: Incident, passed: Iterable[RemedyRule], known: Experience) -> Iterable[str]:
    """Say of what the settings prefer why it is not the one; not of what was tried in this spell already."""
    gone = {action.label for action in since_it_worked(incident.tried)}
    for rule in passed:
        tally = known.tally(rule.label)
        if rule.label in gone:
            continue
        if tally.tried and not tally.worked:
            yield f"{rule.label} skipped: it {told(tally)}"
        elif tally.tried:
            yield f"{rule.label} only {told(tally)}"
