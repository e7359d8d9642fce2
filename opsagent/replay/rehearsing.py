"""A rehearsal: what would happen if a check failed now. The real agent on a copy of the state, with idle hands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from opsagent.agent import Agent
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.observation import Observation, Reading, Status, ok
from opsagent.core.phase import Phase
from opsagent.core.timing import spoken
from opsagent.core.unit import JobOutcome
from opsagent.replay.hands import Hands, MemoryLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opsagent.core.codec import Recorded
    from opsagent.core.policy import CheckPolicy
    from opsagent.core.unit import UnitSnapshot
    from opsagent.core.world import World

LONGEST = timedelta(minutes=90)
"""By then the budget is spent, people were told and told again; from there on it only repeats itself."""
STEP, PROBE = timedelta(seconds=5), timedelta(seconds=1)
"""Between two looks at the clock; while a repair is proven it looks more often."""
ORDER_TAKES = timedelta(seconds=1)
_ATTEMPT = (ev.ActionRequested, ev.ActionEnded, ev.ActionJudged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that would happen, so long after the first bad look; `attempt`: as a part of which attempt, or 0."""

    after: timedelta
    text: str
    attempt: int = 0


class _Hands(Hands):
    """Carries out every order in a second: the unit runs anew, whether that helps or not."""

    ended: datetime | None = None

    def act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        """Let the order be carried out."""
        at = self.now + ORDER_TAKES
        self.ended = self.ended or at

        def done(world: World) -> inbox.Arrival:
            known = world.state.units.get(event.unit)
            after = _running(known, world.now, action) if known is not None else None
            outcome = JobOutcome(result="done", seconds=ORDER_TAKES.total_seconds(), after=after)
            return inbox.ActionDone(incident=incident, action=action, outcome=outcome)

        self._answer(at, done)


def _running(known: UnitSnapshot, now: datetime, action: int) -> UnitSnapshot:
    """Return the unit as it is just after a start."""
    return replace(
        known,
        read_at=now,
        active_state="active",
        sub_state="running",
        result="success",
        job=None,
        inactive_exit_at=now,
        active_enter_at=now,
        invocation_id=f"{action:032x}",
    )


def rehearsed(world: World, check: CheckPolicy, *, helps: bool) -> list[Line]:
    """Return what would happen if `check` failed now: either its first repair `helps`, or nothing does."""
    hands = _Hands(orders=[], sent={}, asked={}, now=world.now)
    last = world.state.seq
    agent = Agent(policy=world.policy, state=world.state, log=MemoryLog(last), effects=hands, redact=str)
    agent.looks = dict(world.looks)
    now, told, attempt = world.now, 0, 0
    lines: list[Line] = []
    while now - world.now < LONGEST:
        hands.now = now
        answers = hands.answers(agent.world(now))
        bad = not (helps and hands.ended is not None and now >= hands.ended)
        agent.handle([*answers, *_looks(agent.world(now), check, bad=bad)], now)
        fresh, told = hands.recorded[told:], len(hands.recorded)
        mine = [one for one in fresh if _is_about(one, agent.world(now), check)]
        for one in mine:
            attempt = one.event.attempt if isinstance(one.event, ev.ActionRequested) else attempt
            of = attempt if isinstance(one.event, _ATTEMPT) else 0
            text = _told(one, agent.world(now))
            lines += [Line(after=one.at - world.now, text=text, attempt=of)] if text else []
        if any(isinstance(one.event, ev.IncidentResolved) for one in mine):
            break
        now = _next(agent.world(now), hands)
    return lines


def folded(lines: Iterable[Line]) -> list[Line]:
    """Return the lines for people: an attempt that goes as the one before it is only counted."""
    found: list[Line] = []
    last: tuple[str, ...] = ()
    times = 0
    for attempt, group in groupby(lines, key=lambda line: line.attempt):
        told = list(group)
        words = tuple(line.text.replace(f"attempt {attempt}", "attempt") for line in told)
        if not attempt or words != last:
            found, last, times = [*found, *told], words, 0
            continue
        times += 1
        said = f"the same {f'{times} times' if times > 1 else 'once'} more, up to attempt {attempt}"
        found = [*found[: len(found) - (times > 1)], Line(after=told[-1].after, text=said)]
    return found


def _is_about(one: Recorded, world: World, check: CheckPolicy) -> bool:
    incident = world.state.incident(one.incident)
    return incident is not None and incident.key == check.key


def _looks(world: World, check: CheckPolicy, *, bad: bool) -> Iterator[inbox.Looked]:
    """Look at all that judges it: a failure of a unit is seen by each of its checks."""
    for one in world.policy.checks_of(check.key):
        failing = Reading(
            status=Status.CRITICAL,
            message="fails in this rehearsal",
            failure_class="failed",
            conclusive=one.kind == "unit",
        )
        at = world.health(one.name).at
        incident = world.state.open_for(check.key)
        probing = incident is not None and incident.running is not None
        if at is None or probing or incident is None or world.now - at >= one.confirm.retry:
            seen = Observation(check=one.name, reading=failing if bad else ok("good again"), at=world.now)
            yield inbox.Looked(seen=seen)


def _next(world: World, hands: Hands) -> datetime:
    incidents = world.state.incidents.values()
    known = [(one.next_repair_at, one.next_level_at) for one in incidents]
    deadlines = [at for ats in known for at in ats if at is not None and at > world.now]
    answer = hands.next_at()
    step = PROBE if any(one.running is not None for one in incidents) else STEP
    soonest = min([*deadlines, *([answer] if answer is not None else []), world.now + step])
    return max(soonest, world.now + timedelta(milliseconds=10))


def _told(one: Recorded, world: World) -> str:
    return _of_failure(one, world) or _of_repair(one, world)


def _of_failure(one: Recorded, world: World) -> str:
    event, said = one.event, ""
    match event:
        case ev.IncidentSuspected():
            said = f"{event.check} fails for the first time"
        case ev.IncidentConfirmed(severity=severity, to=to):
            said = f"believed: {severity}, {'opsagent repairs it' if to is Phase.REPAIRING else 'it is for people'}"
        case ev.IncidentReopened():
            incident = world.state.incident(one.incident)
            said = f"fails again: {incident.label if incident else 'it'} is open once more"
        case ev.LevelPaged():
            said = f"{event.level} is told ({', '.join(event.notifiers)}): {event.reason}"
        case ev.SuppressionChanged(by=by, reason=reason):
            said = f"kept quiet by {by}: {reason}" if by else ""
        case ev.RecoverySeen():
            said = "good again"
        case ev.IncidentResolved(reason=reason):
            said = f"resolved: {reason}"
    return said


def _of_repair(one: Recorded, world: World) -> str:
    event, said = one.event, ""
    match event:
        case ev.ActionRequested():
            incident = world.state.incident(one.incident)
            because = (incident.choice if incident else "") or event.reason
            said = f"{event.remedy} {event.unit}, attempt {event.attempt}: {because}"
        case ev.ActionRefused():
            said = f"no {event.remedy} of {event.unit} ({event.guard}): {event.reason}"
        case ev.ActionEnded():
            said = "carried out (a second is assumed), now it is looked at"
        case ev.ActionJudged():
            said = f"judged: {event.outcome}, {event.reason}"
        case ev.RepairMoved(to=to, reason=reason, next_at=at):
            wait = f", again in {spoken(at - one.at)}" if at is not None and at > one.at else ""
            said = f"repair {to}{wait}: {reason}"
        case ev.RepairSuggested():
            said = f"people are asked to approve {event.remedy} {event.unit}"
    return said
