"""The main loop: one thread takes what arrived, lets the agent decide, and sees that the next look comes in time."""

from __future__ import annotations

import contextlib
import queue
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from opsagent.core import contract, inbox, schedule
from opsagent.core import events as ev
from opsagent.core.log_row import StoreError
from opsagent.core.observation import Observation, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsagent.agent import Agent
    from opsagent.core.codec import Recorded
    from opsagent.core.state import State
    from opsagent.core.unit import HostConditions
    from opsagent.daemon.clock import Clock
    from opsagent.daemon.lookout import Lookout
    from opsagent.daemon.rounds import Rounds

log = structlog.get_logger("opsagent")

LONGEST_TURN = timedelta(seconds=1)
LONGEST_IDLE_TURN = timedelta(seconds=5)  # while nothing moves by the second; the clock is compared this often
LATE = timedelta(seconds=2)
MOST_AT_ONCE = 500
SWEEP = timedelta(milliseconds=250)
"""How long a look may wait for those begun with it: a sweep of a hundred checks is one turn then, not a hundred."""


class Loop:
    """Owns the queue. `turn` is one round of the main thread; everything else posts from its own."""

    def __init__(self, clock: Clock, on_look: Callable[[Observation], None]) -> None:
        """Begin with an empty queue; `on_look` is shown every look."""
        self.clock = clock
        self.on_look = on_look
        self.late = ""
        self._queue: queue.SimpleQueue[inbox.Arrival | None] = queue.SimpleQueue()
        self._expected = clock.running()

    def post(self, arrival: inbox.Arrival) -> None:
        """Put something before the thread that owns the state. From any thread."""
        self._queue.put(arrival)

    def nudge(self) -> None:
        """Have the main thread come round now. Safe in a signal handler."""
        self._queue.put(None)

    def is_idle(self) -> bool:
        """Whether nothing waits before the thread that owns the state."""
        return self._queue.empty()

    def turn(self, agent: Agent, lookout: Lookout, rounds: Rounds, wait: float) -> None:
        """Wait at most `wait` seconds for news, then decide, act, and begin the looks that are due."""
        arrivals = self._arrivals(wait, with_patience=not schedule.is_hasty(agent.state))
        now = self.clock.now()
        jump = self.clock.jumped()
        if jump is not None:
            log.warning("the clock was set", seconds=round(jump.total_seconds(), 1))
            arrivals = [inbox.ClockSeen(by=jump), *arrivals]
            rounds.begin_again(now)
        for arrival in arrivals:
            if isinstance(arrival, inbox.Looked):
                self.on_look(arrival.seen)
        _handle(agent, arrivals, now)
        lookout.stuck()
        self._look(agent, lookout, now)

    def _arrivals(self, wait: float, *, with_patience: bool) -> list[inbox.Arrival]:
        """Return what arrived. Looks wait a little for those that come with them; nothing else is kept waiting."""
        found = self._taken(wait)
        if not found:
            self._notice_lateness(wait)
        ends = self.clock.running() + SWEEP.total_seconds()
        while with_patience and found and all(isinstance(one, inbox.Looked) for one in found):
            more = self._taken(ends - self.clock.running())
            if not more:
                break
            found += more
        return [arrival for arrival in found if arrival is not None]

    def _taken(self, wait: float) -> list[inbox.Arrival | None]:
        """Return what is there, after at most `wait` seconds; nothing when nothing came."""
        found: list[inbox.Arrival | None] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._queue.get(timeout=max(0.0, wait)))
            while len(found) < MOST_AT_ONCE:
                found.append(self._queue.get_nowait())
        return found

    def _notice_lateness(self, wait: float) -> None:
        """Waking much later than asked means that the host had no time for us: its time-outs say nothing either."""
        late = self.clock.running() - self._expected - wait
        self._expected = self.clock.running()
        if late > LATE.total_seconds():
            self.late = f"opsagent itself was kept waiting for {late:.1f} s"
            log.warning("late", seconds=round(late, 1))

    def _look(self, agent: Agent, lookout: Lookout, now: datetime) -> None:
        for name, at in schedule.hurried(agent.world(now)).items():
            if at <= now:
                lookout.look(name, Source.PROBE)

    def wait_for(self, agent: Agent, lookout: Lookout) -> float:
        """Return how many seconds may pass before something is due.

        A look that is under way is waited for, not asked for again: to ask for it would be to turn for nothing.
        """
        now = self.clock.now()
        self._expected = self.clock.running()
        longest = LONGEST_IDLE_TURN if schedule.is_at_rest(agent.state) else LONGEST_TURN
        hurried = schedule.hurried(agent.world(now)).items()
        soonest = min((at for name, at in hurried if not lookout.is_out(name)), default=now + longest)
        wait = min(max((soonest - now).total_seconds(), 0.02), longest.total_seconds())
        return wait if self.is_idle() else 0.0

    def with_lateness(self, found: HostConditions) -> HostConditions:
        """Return the host's conditions with our own lateness, said once."""
        late, self.late = self.late, ""
        return found if found.overload or not late else replace(found, overload=late)


def _handle(agent: Agent, arrivals: Sequence[inbox.Arrival], now: datetime) -> None:
    """Have all of it taken in one turn; where that fails each by itself: one that we cannot take costs no other."""
    before = agent.looks
    try:
        agent.handle(arrivals, now)
    except StoreError:
        raise
    except Exception:
        if agent.looks is not before or len(arrivals) < 2:  # noqa: PLR2004 - it was taken, or there is no other
            raise
        taken = [_is_taken(agent, arrival, now) for arrival in arrivals]
        if not any(taken):
            raise


def _is_taken(agent: Agent, arrival: inbox.Arrival, now: datetime) -> bool:
    try:
        agent.handle([arrival], now)
    except StoreError:
        raise
    except Exception:
        log.exception("cannot take this; it is a mistake in opsagent", kind=type(arrival).__name__)
        return False
    return True


def sentence(agent: Agent, troubles: Sequence[str] = ()) -> str:
    """Return the status line: one sentence about how everything stands, and before it what is wrong with us."""
    state, looks = agent.state, agent.looks
    bad = sorted(name for name, health in looks.items() if health.is_bad)
    open_ones = state.open_incidents
    wrong = "".join(f"{one}; " for one in (*troubles, *contract.troubles(state)))
    counts = f"{wrong}{len(agent.policy.checks)} checks, {len(looks) - len(bad)} good, {len(bad)} bad"
    if not open_ones:
        return f"{counts}; nothing needs you; mode {agent.policy.mode}"
    first = open_ones[0]
    more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
    return f"{counts}; {first.label} {first.check} {first.state}{more}; mode {agent.policy.mode}"


def said(steps: Sequence[tuple[State, State, Recorded]]) -> None:
    """Log what was decided, one line an event with the state before and after it; looks and bookkeeping stay out."""
    for before, after, one in steps:
        if not isinstance(one.event, _QUIET):
            log.info(type(one.event).__name__, **_fields(before, after, one))


def _fields(before: State, after: State, one: Recorded) -> dict[str, object]:
    """Return what a line says beside the event's name: what it is about, and why. What is empty is left out."""
    incident = after.incidents.get(one.incident or 0) or before.incidents.get(one.incident or 0)
    about = {name: str(getattr(one.event, name, None) or "") for name in _ABOUT}
    about |= {"check": about["check"] or incident.check} if incident else {}
    reason = next((said for name in _WORDS if (said := getattr(one.event, name, ""))), "")
    reason = reason or "; ".join(getattr(one.event, "lines", ()))[:LONGEST_WORDS]
    label = incident.label if incident else None
    return {name: said for name, said in {**about, "reason": reason, "incident": label, "seq": one.seq}.items() if said}


_ABOUT = ("kind", "subject", "check", "unit", "remedy", "outcome", "by")
_WORDS = ("reason", "what", "message", "lacking", "answer")
_QUIET = (
    ev.ClockJumped,  # told at once, in seconds
    ev.HostObserved,
    ev.UnitObserved,
    ev.EvidenceGathered,
    ev.SettingsApplied,
    ev.NotificationQueued,
    ev.PatternSeen,
    ev.HeartbeatDone,
    ev.DeadManHeard,
    ev.JobPinged,
    ev.EnvironmentLearned,
)
LONGEST_WORDS = 500
