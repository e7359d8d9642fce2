"""The thread that owns the state: take what arrived, decide, record, then act. One door, no locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from opsagent.core import batch, inbox, intake, looks, orders, security, settle, startup, units
from opsagent.core import events as ev
from opsagent.core.archive.matched import recalled
from opsagent.core.codec import Recorded
from opsagent.core.commands import Answer
from opsagent.core.diagnosis import case
from opsagent.core.fold import fold
from opsagent.core.health import Health, shifted
from opsagent.core.incident import CHRONIC, Incident
from opsagent.core.log_row import OPENING, Batch, StoreError
from opsagent.core.observation import Observation, Source, Status
from opsagent.core.phase import Repair
from opsagent.core.redaction import clean_event, clean_observation
from opsagent.core.remediation import wanted
from opsagent.core.state import State
from opsagent.core.world import OPENED, Draft, Facts, FactsWanted, World

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.log_row import Row
    from opsagent.core.policy import Policy
    from opsagent.core.state import Owed
    from opsagent.core.unit import UnitSnapshot

MOST_STEPS = 2000  # a turn that does not come to rest is a mistake of ours; it is cut and said


class Log(Protocol):
    """What the agent needs of the event log (`store.pending.Pending`)."""

    @property
    def next_seq(self) -> int:
        """The number that the next row will have."""

    @property
    def trouble(self) -> StoreError | None:
        """Why something waits to be recorded; None when nothing does."""

    def commit(self, batch: Batch) -> tuple[Row, ...]:
        """Record now or raise StoreError: for what must be on the disk before it happens."""

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        """Record now or as soon as the disk allows; nothing when there is no room to hold it."""


class Effects(Protocol):
    """What the agent orders once it is recorded. None of these wait."""

    def act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        """Carry out an order."""

    def send(self, owed: Owed) -> None:
        """Try to deliver a message."""

    def gather(self, wanted: FactsWanted) -> None:
        """Read what must be known before a repair; answers with `FactsSeen`."""

    def investigate(self, incident: Incident, unit: UnitSnapshot | None, since: datetime) -> None:
        """Collect evidence beside the repair; answers with `EvidenceSeen` and `SurroundingsSeen`.

        Logs speak of it `since` then (UTC). `unit` is as it was when the failure was believed: a moment later it may be
        at its next start.
        """

    def follow(self, incident: int, event: ev.PlaybookMatched) -> None:
        """Run the steps of a playbook that may be run, beside everything else; answers with `EvidenceSeen`."""

    def compare(self, incident: Incident, evidence: Evidence) -> None:
        """Compare what is on record of a failure with the archive as it is now; answers with `Compared`."""

    def remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        """Project what one turn recorded into the memory: each event with the state before and after it."""


@dataclass(slots=True)
class _Turn:
    """What one turn has decided so far; nothing of it counts before it is recorded."""

    state: State
    looks: dict[str, Health]
    first_seq: int
    recorded: list[tuple[State, State, Recorded]] = field(default_factory=list)
    touched: dict[str, None] = field(default_factory=dict)
    changed: dict[int, Incident] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    spooled: list[str] = field(default_factory=list)
    answers: list[tuple[Callable[[Answer], None], Answer]] = field(default_factory=list)
    noted: dict[str, Callable[[], None]] = field(default_factory=dict)


class Agent:
    """`handle` is the only door through which the state changes."""

    def __init__(
        self,
        *,
        policy: Policy,
        state: State,
        log: Log,
        effects: Effects,
        redact: Callable[[str], str],
        taken: frozenset[str] = frozenset(),
    ) -> None:
        """Stand on the replayed state. `taken` are incident labels that others used already."""
        self.policy = policy
        self.state = state
        self.looks: Mapping[str, Health] = {}
        self.unsettled = 0
        self._log = log
        self._effects = effects
        self._redact = redact
        self._taken = taken
        self._facts: dict[str, Facts] = {}
        self._gathering: dict[str, datetime] = {}
        self._restarts: dict[str, tuple[tuple[datetime, int], ...]] = {}
        self._sending: set[str] = set()
        self._noted: dict[str, Callable[[], None]] = {}

    def world(self, now: datetime) -> World:
        """Return all that is known, as decisions see it."""
        return self._world(self.state, self.looks, now, can_record=self._log.trouble is None)

    def _world(self, state: State, looks_: Mapping[str, Health], now: datetime, *, can_record: bool) -> World:
        return World(
            state=state,
            policy=self.policy,
            looks=looks_,
            now=now,
            facts=self._facts,
            taken=self._taken,
            can_record=can_record,
        )

    def handle(self, arrivals: Sequence[inbox.Arrival], now: datetime) -> None:
        """Take what arrived, decide everything that follows, record it in one transaction, then act on it."""
        try:
            turn = self._decided(arrivals, now, can_record=self._log.trouble is None)
            rows = self._commit(turn, now)
        except StoreError:
            turn = self._decided(arrivals, now, can_record=False)
            rows = self._log.commit_or_hold(self._batch(turn, now))
        if turn.recorded and not rows:
            return
        self.state, self.looks = turn.state, turn.looks
        for reply, answer in turn.answers:
            reply(answer)
        self._act(turn, now)
        self._note(turn)

    def passed(self, seen: Iterable[Observation], now: datetime) -> Mapping[str, Health] | None:
        """Return the looks after these, each taken at its own time, where nothing comes of them by `now`; else None."""
        turn = _Turn(state=self.state, looks=dict(self.looks), first_seq=self._log.next_seq)
        for one in seen:
            before = turn.looks.get(one.check)
            self._look(turn, one, one.at)
            if before is None or turn.recorded or not before.is_like(turn.looks[one.check]):
                return None
        world = self._world(turn.state, turn.looks, now, can_record=True)
        return None if settle.due(world, turn.touched) or wanted(world) else turn.looks

    def _note(self, turn: _Turn) -> None:
        """Let checks keep their place only now: what a crash takes from the log is looked at again."""
        self._noted |= turn.noted
        if self._log.trouble is None:
            notes, self._noted = self._noted, {}  # before they are written: one that cannot be is not tried for ever
            for note in notes.values():
                note()

    def _decided(self, arrivals: Sequence[inbox.Arrival], now: datetime, *, can_record: bool) -> _Turn:
        turn = _Turn(state=self.state, looks=dict(self.looks), first_seq=self._log.next_seq)
        for arrival in arrivals:
            self._take(turn, arrival, now)
        for _ in range(MOST_STEPS):
            world = self._world(turn.state, turn.looks, now, can_record=can_record)
            drafts = settle.due(world, turn.touched)
            if not drafts:
                return turn
            self._stage(turn, drafts, now)
        self.unsettled += 1
        return turn

    def _take(self, turn: _Turn, arrival: inbox.Arrival, now: datetime) -> None:
        world = self._world(turn.state, turn.looks, now, can_record=True)
        match arrival:
            case inbox.Looked(seen=seen, recorded=recorded):
                self._look(turn, seen, now)
                turn.noted |= {seen.check: recorded} if recorded is not None else {}
            case inbox.UnitSeen():
                self._unit(turn, arrival, now)
            case inbox.FactsSeen():
                self._take_facts(turn, arrival, now)
            case inbox.Asked(command=command, reply=reply):
                drafts, answer = orders.carried_out(world, clean_event(command, self._redact))
                self._stage(turn, drafts, now)
                turn.answers.append((reply, answer))
                turn.spooled += [command.uuid] if command.uuid else []
            case inbox.ClockSeen(by=by):
                self._stage(turn, intake.drafts(arrival, world), now)
                turn.looks = {name: shifted(health, by) for name, health in turn.looks.items()}
                self._facts.clear()
                self._gathering.clear()
            case inbox.SettingsRead(policy=policy):
                self._stage(turn, intake.settings(arrival, world), now)
                self.policy = policy
                known = {check.name for check in policy.checks}
                turn.looks = {name: health for name, health in turn.looks.items() if name in known}
            case _:
                self._stage(turn, intake.drafts(arrival, world), now)
        if isinstance(arrival, inbox.ActionDone) and arrival.outcome.after is not None:
            self._judge_unit(turn, arrival.outcome.after.name, now, changed=True)

    def _look(self, turn: _Turn, seen: Observation, now: datetime) -> None:
        check = self.policy.check(seen.check)
        if check is None:
            return
        world = self._world(turn.state, turn.looks, now, can_record=True)
        clean = clean_observation(seen, self._redact)
        begun = startup.seen(world, check, clean)  # asked before the look is one of those known
        turn.looks[check.name] = looks.looked(world, clean, check)
        turn.touched[check.name] = None
        self._stage(turn, begun + security.alarmed(world, check, clean), now)

    def _unit(self, turn: _Turn, seen: inbox.UnitSeen, now: datetime) -> None:
        world = self._world(turn.state, turn.looks, now, can_record=True)
        fresh = not intake.is_late(world, seen.snapshot)
        changed = intake.unit(world, seen.snapshot) if fresh else []
        self._stage(turn, changed, now)
        if changed:
            self._facts.pop(seen.snapshot.name, None)  # what was read for a repair is the unit's past
        world = self._world(turn.state, turn.looks, now, can_record=True)
        self._stage(turn, intake.stops(world, seen.stops), now)
        if seen.cursor:
            turn.meta["stops"] = seen.cursor
        if fresh:
            self._judge_unit(turn, seen.snapshot.name, now, changed=bool(changed))

    def _judge_unit(self, turn: _Turn, name: str, now: datetime, *, changed: bool) -> None:
        """An event for a unit is an observation of every check that names it; only bad news is one for all kinds.

        Signals are hints, they are not counted: one that tells nothing new, or of a change under way, is no look.
        """
        snapshot = turn.state.units.get(name)
        if snapshot is None:
            return
        earlier = self._restarts.get(name, ())
        reading = units.judge(snapshot, earlier)
        self._restarts[name] = (*earlier, (snapshot.read_at, snapshot.nrestarts))[-20:]
        if reading.status is Status.WARNING or not (changed or reading.conclusive):
            return
        for check in self.policy.checks:
            if check.unit == name and (check.kind == "unit" or reading.status is Status.CRITICAL):
                seen = Observation(check=check.name, reading=reading, at=now, source=Source.EVENT)
                self._look(turn, seen, now)

    def _take_facts(self, turn: _Turn, seen: inbox.FactsSeen, now: datetime) -> None:
        self._gathering.pop(seen.unit, None)
        self._facts[seen.unit] = seen.facts
        world = self._world(turn.state, turn.looks, now, can_record=True)
        drafts = intake.host(world, seen.conditions) + intake.stops(world, seen.stops)
        if seen.facts.snapshot is not None:
            known = (one for one in seen.facts.also if one.name in turn.state.units)
            drafts += [draft for one in (seen.facts.snapshot, *known) for draft in intake.facts(world, one)]
        self._stage(turn, drafts, now)
        self._diagnose(turn, seen.facts, now)
        if seen.cursor:
            turn.meta["stops"] = seen.cursor

    def _diagnose(self, turn: _Turn, facts: Facts, now: datetime) -> None:
        """Name the cause before anything is done: what a restart cannot cure is left to people."""
        for incident in turn.state.open_incidents if facts.evidence is not None else ():
            if incident.unit == facts.unit and facts.evidence is not None:
                world = self._world(turn.state, turn.looks, now, can_record=True)
                self._stage(turn, intake.diagnosed(world, incident.seq, facts.evidence), now)

    def _stage(self, turn: _Turn, drafts: Sequence[Draft], now: datetime) -> None:
        opened = 0
        for draft in drafts:
            seq = turn.first_seq + len(turn.recorded)
            opened = seq if draft.incident == OPENING else opened
            incident = opened if draft.incident in (OPENING, OPENED) else draft.incident
            recorded = Recorded(
                seq=seq,
                at=now,
                event=clean_event(draft.event, self._redact),
                incident=incident,
                actor=draft.actor,
                because=draft.because,
            )
            before = turn.state
            turn.state = fold(before, recorded)
            turn.recorded.append((before, turn.state, recorded))
            turn.changed |= batch.changed_by(before, turn.state, recorded)
            if isinstance(draft.event, ev.OperatorStopEnded):
                turn.looks |= looks.begun_anew(turn.looks, self.policy.checks_of(draft.event.unit))

    def _commit(self, turn: _Turn, now: datetime) -> tuple[Row, ...]:
        made = self._batch(turn, now)
        if not made.rows and not made.meta and not made.spooled:
            return ()
        must = any(isinstance(r.event, ev.ActionRequested) for _, _, r in turn.recorded)
        return self._log.commit(made) if must else self._log.commit_or_hold(made)

    def _batch(self, turn: _Turn, now: datetime) -> Batch:
        recorded = tuple((before, one) for before, _, one in turn.recorded)
        made = batch.of(recorded, tuple(turn.changed.values()), turn.state, now)
        return replace(made, meta=tuple(turn.meta.items()), spooled=tuple(turn.spooled))

    def _act(self, turn: _Turn, now: datetime) -> None:
        for _, after, recorded in turn.recorded:
            event = recorded.event
            if isinstance(event, ev.ActionRequested) and recorded.incident is not None:
                self._facts.pop(event.unit, None)
                self._effects.act(recorded.incident, recorded.seq, event)
            if isinstance(event, ev.PlaybookMatched) and recorded.incident is not None:
                self._effects.follow(recorded.incident, event)
            if isinstance(event, ev.ArchiveRead):
                self._compare(after)
            if _wants_evidence(event) and recorded.incident in after.incidents:
                incident = after.incidents[recorded.incident or 0]
                if not incident.key.endswith(CHRONIC):  # it is good at this moment: there is nothing to see
                    unit = after.units.get(incident.unit or "")
                    self._effects.investigate(incident, unit, case.since(after, incident))
        self._send(turn, now)
        self._gather(now)
        if turn.recorded:
            self._effects.remember(turn.recorded)

    def _compare(self, state: State) -> None:
        """What was learned while an incident is open is of use to it as well."""
        for incident in state.incidents.values():
            if incident.label is not None:
                self._effects.compare(incident, recalled(incident, state.units.get(incident.unit or "")))

    def _send(self, turn: _Turn, now: datetime) -> None:
        for _, _, recorded in turn.recorded:
            if isinstance(recorded.event, (ev.NotificationSent, ev.NotificationFailed, ev.NotificationExpired)):
                self._sending.discard(recorded.event.key)
        for owed in self.state.owed.values():
            if owed.key not in self._sending and owed.next_at <= now:
                self._sending.add(owed.key)
                self._effects.send(owed)

    def _gather(self, now: datetime) -> None:
        """Ask for the facts that a repair waits for, once; ask again when no answer came within 10 s."""
        for one in wanted(self.world(now)):
            asked = self._gathering.get(one.unit)
            if asked is None or abs((now - asked).total_seconds()) > 10:  # noqa: PLR2004 - said above
                self._gathering[one.unit] = now
                self._effects.gather(one)


def _wants_evidence(event: ev.Event) -> bool:
    """At each beginning; and when it is given up, for what the service said of itself when it was tried in vain."""
    given_up = isinstance(event, ev.RepairMoved) and event.to is Repair.EXHAUSTED
    return given_up or isinstance(event, (ev.IncidentConfirmed, ev.IncidentReopened))
