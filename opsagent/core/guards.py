"""May we act on this unit now? The questions in their order; the first no is the answer, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import budget, dependants, in_order, trust
from opsagent.core.acts import RECLAIM, RESTORE
from opsagent.core.change import phrase
from opsagent.core.choice import is_hopeless, told
from opsagent.core.denied import denied, holds_data
from opsagent.core.futile import futile, has_no_process, waits_for
from opsagent.core.incident import Incident
from opsagent.core.looks import just_started, overloaded
from opsagent.core.maintenance import window_for
from opsagent.core.own_stop import left_down
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import CheckPolicy, Mode, RemedyRule
from opsagent.core.report.clock import hhmmss, moment
from opsagent.core.restoring import held_by
from opsagent.core.roots import failed_root
from opsagent.core.startup import start_within
from opsagent.core.suggestion import in_time
from opsagent.core.suppression import paused
from opsagent.core.text import some
from opsagent.core.timing import elapsed
from opsagent.core.world import Facts, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsagent.core.unit import UnitSnapshot

AFTER_BOOT = timedelta(minutes=3)
ASK_AGAIN = timedelta(seconds=10)
ASK_AGAIN_LONGEST = timedelta(minutes=5)
_SPREADS = ("restart", "restart_with_dependants", "stop")
_SLOW_FAILURES = ("timeout", "latency")
_UNSETTLED = ("initializing", "starting", "stopping", "maintenance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One intended action: which remedy, for which check and incident, and what was just read about the unit."""

    world: World
    incident: Incident
    check: CheckPolicy
    rule: RemedyRule
    facts: Facts
    forced_by: str = ""

    @property
    def unit(self) -> str:
        """The unit to act on, by its primary name."""
        return self.facts.snapshot.name if self.facts.snapshot else self.facts.unit

    @property
    def touched(self) -> tuple[str, ...]:
        """Every unit that the action restarts, or stops: systemd passes both on to the same ones."""
        if self.rule.do == dependants.REMEDY:
            return (self.unit, *dependants.in_order(self.world.policy, self.beside))
        return (self.unit, *(one.name for one in self.beside))

    @property
    def beside(self) -> tuple[UnitSnapshot, ...]:
        """What was read of the units that the action may touch beside its own."""
        more = self.facts.dependants if self.rule.do == dependants.REMEDY else ()
        known = {one.name: one for one in (*more, *self.facts.also) if one.name != self.unit}
        return tuple(known.values()) if self.rule.do in _SPREADS else ()

    @property
    def mode(self) -> trust.Effective:
        """The mode in force for this remedy, and why."""
        return trust.effective(self.world.state, self.world.policy, self.check, self.rule)

    @property
    def is_approved(self) -> bool:
        """Whether a person wants exactly this remedy, and said so lately."""
        meant = self.incident.asked_remedy in ("", self.rule.do, self.rule.label)
        return bool(self.forced_by) and meant and in_time(self.incident.asked_at, self.world.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One guard's answer. `reason` is "" when it agrees.

    `exhausted` says that no try is left, so a person is needed now. `again_at` is when to ask again.
    """

    guard: str
    reason: str = ""
    exhausted: bool = False
    again_at: datetime | None = None


def answers(case: Case) -> tuple[Answer, ...]:
    """Return every guard's answer, in the order in which they are asked."""
    return tuple(_answer(name, case) for name in _QUESTIONS)


def refusal(case: Case, *, beside: str = "") -> Answer | None:
    """Return the first guard that says no, or None when all agree, all but the one named `beside`."""
    for name in _QUESTIONS:
        answer = _answer(name, case)
        if answer.reason and name != beside:
            return answer
    return None


def _answer(name: str, case: Case) -> Answer:
    said = _QUESTIONS[name](case)
    if isinstance(said, Answer):
        return said
    return Answer(guard=name, reason=said, again_at=_again_at(name, case) if said else None)


def _again_at(name: str, case: Case) -> datetime:
    """When the end is known, then; else after 10 s, and ever more slowly while the answer stays the same."""
    conditions, snapshot, now = case.world.state.conditions, case.facts.snapshot, case.world.now
    known = None
    if name == "boot" and conditions.booted_at is not None and conditions.system_state not in _UNSETTLED:
        known = conditions.booted_at + AFTER_BOOT
    elif name == "just_started" and snapshot is not None and snapshot.inactive_exit_at is not None:
        known = snapshot.inactive_exit_at + start_within(case.world, case.check)
    elif name == "deploy" and (change := held_by(case)) is not None:
        known = change.at + case.world.policy.changes.hold
    slow = now + min(ASK_AGAIN * float(2 ** min(case.incident.asked_again, 8)), ASK_AGAIN_LONGEST)
    return known if known is not None and known > now else slow


def _hold(case: Case) -> str:
    hold = case.world.state.conditions.hold
    return f"HOLD: {hold}" if hold else ""


def _security(case: Case) -> str:
    """What was broken into is evidence, and a restart may help whoever did it."""
    return "it is about security: only people act" if case.incident.security else ""


def _mode(case: Case) -> str:
    in_force = case.mode
    if in_force.mode is Mode.AUTO or (in_force.mode is Mode.SUGGEST and case.is_approved):
        return ""
    return in_force.because


def _armed(case: Case) -> str:
    return "" if case.rule in case.check.repair else f"{case.check.name} is not armed (repair: [])"


def _denied(case: Case) -> str:
    if case.rule.do == RECLAIM:
        return ""  # the unit is not touched; a database on a full disk needs it most of all
    on_a_unit = case.check.unit is not None and case.rule.do != "command"
    for unit in case.touched if on_a_unit else ():
        why = denied(unit)
        if why:
            return f"{unit}: {why}"
        if unit != case.unit and holds_data(unit):
            return f"{unit} holds data and would be {'stopped' if case.rule.do == 'stop' else 'restarted'} too"
    may = case.rule.holds_data or case.rule.do == RESTORE  # which stops nothing
    return "" if may or not holds_data(case.unit) else f"{case.unit} holds data"


def _operator_stop(case: Case) -> str:
    stopped = [unit for unit in case.touched if unit in case.world.state.stops]
    if not stopped:
        return ""
    stop = case.world.state.stops[stopped[0]]
    return f"{stop.unit} was stopped by {stop.by or 'an operator'} at {moment(stop.at, case.world.policy.zone)}"


def _own_stop(case: Case) -> str:
    """What a person orders may start it again."""
    snapshot = case.facts.snapshot
    needed = (*case.touched, *(snapshot.pulls if snapshot else ()))
    return "" if case.forced_by else left_down(case.world, case.incident, case.check, case.rule, needed)


def _masked(case: Case) -> str:
    snapshot = case.facts.snapshot
    if not case.check.unit:
        return ""
    if snapshot is None or snapshot.load_state == "not-found":
        return f"{case.unit} does not exist"
    masked = next((one.name for one in (snapshot, *case.beside) if _is_masked(one)), None)
    return f"{masked} is masked" if masked else ""


def _is_masked(one: UnitSnapshot) -> bool:
    """A masked unit that still runs would be stopped by the restart of its root, and could not be started again."""
    return one.load_state == "masked" or one.unit_file_state.startswith("masked")


def _disabled(case: Case) -> str:
    snapshot = case.facts.snapshot
    if snapshot is None or snapshot.unit_file_state != "disabled" or snapshot.active_enter_at is not None:
        return ""
    seen_at, booted_at = case.world.state.active_at.get(case.unit), case.world.state.conditions.booted_at
    if seen_at is not None and (booted_at is None or seen_at >= booted_at):
        return ""
    return f"{case.unit} is disabled and was not active since boot"


def _oneshot(case: Case) -> str:
    snapshot = case.facts.snapshot
    if snapshot is None or case.rule.do in ("command", "act", "docker", RECLAIM, "reset_failed"):
        return ""
    if snapshot.type == "oneshot":
        return f"{case.unit} is a oneshot: running it again is not a repair"
    timers = [name for name in snapshot.triggered_by if name.endswith(".timer")]
    return f"{case.unit} is driven by {timers[0]}" if timers else ""


def _job(case: Case) -> str:
    for one in (case.facts.snapshot, *case.facts.also, *case.beside):
        if one is not None and one.job:
            return f"a {one.job} job of {one.name} is queued: systemd is on it"
    snapshot = case.facts.snapshot
    if snapshot is not None and "auto-restart" in snapshot.sub_state:
        return f"systemd restarts {snapshot.name} by itself"
    return ""


def _busy(case: Case) -> str:
    return case.world.state.conditions.busy


def _quiet(case: Case) -> str:
    world = case.world
    touched = [check for check in world.policy.checks if check.unit in case.touched or check == case.check]
    for check in touched:
        window = window_for(world.policy, check.name, world.now)
        if window is not None and window.repairs:
            return f"maintenance of {check.name} from {window.begins} ({window.zone})"
        pause = paused(world, check, repairs=True)
        if pause is not None:
            return f"{check.name} is paused by {pause.by} until {moment(pause.until, world.policy.zone)}"
    incident = case.incident
    if incident.state is Phase.ACKNOWLEDGED and not incident.keep_repairing and not case.forced_by:
        return f"taken by {incident.acknowledged_by}: hands off"
    return ""


def _deploy(case: Case) -> str:
    """Whoever changed it is at work there: a restart in the middle of a deploy breaks what is being mended."""
    world = case.world
    change = held_by(case)
    if change is None:
        return ""
    zone, until = world.policy.zone, change.at + world.policy.changes.hold
    changed = next(unit for unit in case.touched if change.of(unit))
    when = f"{hhmmss(change.at, zone)}, no repair before {moment(until, zone)}"
    return f"{changed} was changed at {when} ({phrase(change)})"


def _boot(case: Case) -> str:
    conditions = case.world.state.conditions
    if conditions.system_state in _UNSETTLED:
        return f"the system is {conditions.system_state}"
    if conditions.booted_at is not None and elapsed(conditions.booted_at, case.world.now) < AFTER_BOOT:
        return "the host booted less than 3 min ago"
    return ""


def _overload(case: Case) -> str:
    return overloaded(case.world) if case.incident.failure_class in _SLOW_FAILURES else ""


def _flapping(case: Case) -> str:
    return f"{case.check.name} is flapping" if case.check.name in case.world.state.flapping else ""


def _root(case: Case) -> str:
    root = failed_root(case.world, case.world.policy.checks_of(case.incident.key))
    return f"needs {root[0].name}, which is down" if root is not None else ""


def _breaker(case: Case) -> str:
    breaker = case.world.state.breaker
    if case.rule.do == RECLAIM:
        return ""  # it touches no unit, and a full disk is what many things fail of at once
    return f"breaker: {some(breaker.keys)} failed at once" if breaker is not None else ""


def _change(case: Case) -> str:
    snapshot = case.facts.snapshot
    if (
        case.rule.do not in ("restart", "restart_with_dependants")
        or snapshot is None
        or snapshot.active_state != "active"
    ):
        return ""
    changed = next((one for one in (snapshot, *case.facts.also) if _pending_change(one)), None)
    if changed is None:
        return _unread_file(case, snapshot) or _refused_reload(case, snapshot)
    what = changed.changed_since_start or "its unit file"
    return f"{changed.name} still runs, and {what} changed since it started: a restart would be a deploy"


def _unread_file(case: Case, snapshot: UnitSnapshot) -> str:
    """A watched file of its own that was written since. A deploy's marker is not asked: it often comes late."""
    times = (snapshot.inactive_exit_at or snapshot.active_enter_at, snapshot.reloaded_at)
    read = max(filter(None, times), default=None)
    known = reversed(case.world.state.changes.known)
    change = next((one for one in known if one.of(snapshot.name) and one.subject.startswith("/")), None)
    if read is None or change is None or change.at <= read:
        return ""
    return f"{snapshot.name} still runs, and {change.subject} changed since it started: a restart would be a deploy"


def _refused_reload(case: Case, snapshot: UnitSnapshot) -> str:
    """What still answers with its old settings, and refuses its new ones, would not come back from a restart."""
    tried = [action for action in case.incident.actions if action.attempt and action.outcome is not Outcome.REFUSED]
    if not tried or (tried[-1].remedy, tried[-1].result) != ("reload", "failed"):
        return ""
    return f"{snapshot.name} still runs, and its reload failed: a restart could take it down altogether"


def _pending_change(one: UnitSnapshot) -> bool:
    return bool(one.changed_since_start) or one.need_daemon_reload


def _started(case: Case) -> str:
    snapshot = case.facts.snapshot
    if case.rule.do == "command" or snapshot is None:
        return ""
    ago = just_started(snapshot, case.world, case.check)
    good_at = case.world.health(case.check.name).last_good_at
    if ago is None or (good_at and snapshot.inactive_exit_at and good_at > snapshot.inactive_exit_at):
        return ""
    return f"{snapshot.name} started {ago.total_seconds():.0f} s ago"


def _budget(case: Case) -> Answer | str:
    spent = in_order.spent(case.world, case.touched, case.incident, case.check, forced=bool(case.forced_by))
    if spent is None:
        return ""
    return Answer(guard="budget", reason=spent.reason, exhausted=spent.exhausted, again_at=spent.again_at)


def _cause(case: Case) -> Answer | str:
    """What needs a process comes up for a unit that is down only where nothing else is allowed: a person is needed."""
    if case.forced_by or not has_no_process(case.world, case.check, case.rule):
        return futile(case.world, case.incident, case.check, case.rule)
    reason = f"{case.unit} is down: {case.rule.label} needs a process, and nothing else is allowed"
    again_at = budget.slow_retry_at(case.world, case.incident)
    return Answer(guard="cause", reason=reason, exhausted=True, again_at=again_at)


def _dependency(case: Case) -> str:
    return waits_for(case.world, case.incident)


def _experience(case: Case) -> Answer | str:
    """What never helped against this failure is left alone, but for the slow tries after giving up."""
    known = case.world.state.experience.get(case.incident.fingerprint)
    tally = known.tally(case.rule.label) if known is not None else None
    bound = case.forced_by or case.check.ordered or case.incident.gave_up_at is not None
    if tally is None or not is_hopeless(tally, case.incident) or bound:
        return ""
    reason = f"{case.rule.label} skipped: it {told(tally)}"
    again_at = budget.slow_retry_at(case.world, case.incident)
    return Answer(guard="experience", reason=reason, exhausted=True, again_at=again_at)


# The order is a promise.
_QUESTIONS: dict[str, Callable[[Case], Answer | str]] = {
    "hold": _hold,
    "security": _security,
    "mode": _mode,
    "armed": _armed,
    "denied": _denied,
    "operator_stop": _operator_stop,
    "own_stop": _own_stop,
    "masked": _masked,
    "disabled": _disabled,
    "oneshot": _oneshot,
    "job": _job,
    "busy": _busy,
    "quiet": _quiet,
    "deploy": _deploy,
    "boot": _boot,
    "overload": _overload,
    "flapping": _flapping,
    "root": _root,
    "breaker": _breaker,
    "change": _change,
    "just_started": _started,
    "dependency": _dependency,
    "cause": _cause,
    "budget": _budget,
    "experience": _experience,
}
"""Those that know when to be asked again, or whether a try is left, say so in an answer."""
