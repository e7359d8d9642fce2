"""The hands: orders to systemd, messages to people, facts and evidence, each on threads of its own."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from opsagent import checks, notifiers, remedies
from opsagent.archive.expressions import said
from opsagent.core import dependants, inbox
from opsagent.core import events as ev
from opsagent.core.aliases import public
from opsagent.core.archive.matching import expressions_for
from opsagent.core.archive.pattern import Archive
from opsagent.core.message import Message, MessageKind
from opsagent.core.order import HOLD_PATH, Order
from opsagent.core.policy import Policy
from opsagent.core.unit import JobOutcome, StopSeen, UnitSnapshot
from opsagent.core.wording import ordered
from opsagent.core.world import Facts, FactsWanted
from opsagent.daemon import sampling, start
from opsagent.daemon.following import Following
from opsagent.daemon.pool import Pool
from opsagent.host import evidence, journal, surroundings, systemd
from opsagent.host.bus import BusError, BusLostError
from opsagent.host.conditions import conditions
from opsagent.notifiers.journal import Notifier as JournalNotifier
from opsagent.settings.targets import targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.diagnosis.evidence import Evidence
    from opsagent.core.incident import Action, Incident
    from opsagent.core.state import Owed, State
    from opsagent.daemon.rights import Rights
    from opsagent.settings import Settings

log = structlog.get_logger("opsagent")
BEFORE_ACTING = timedelta(milliseconds=150)  # what the log is given before a repair; else it goes on without
MOST_TOLD = 50  # lines of one part that are put on record; a diagnosis reads all


class Hands:
    """Carries out what the agent ordered and posts what became of it. Nothing here waits for anything."""

    def __init__(
        self,
        post: Callable[[inbox.Arrival], None],
        now: Callable[[], datetime],
        remember: Callable[[Sequence[tuple[State, State, Recorded]]], None],
        rights: Rights,
    ) -> None:
        """`post` takes results, `remember` is the memory's door, `rights` hears what polkit refuses."""
        self._post = post
        self._now = now
        self.remember = remember
        self._rights = rights
        self._acting = Pool("act", 4)
        self._telling = Pool("tell", 4)
        self._reading = Pool("read", 3)
        self._following = Following(post)
        self._channels: Mapping[str, object] = {}
        self._public: frozenset[str] = frozenset()
        self._policy = Policy(host="")
        self._settings: Settings | None = None
        self._relations: dict[str, tuple[str, ...]] = {}
        self._stops_lock = threading.Lock()
        self._cursor: datetime | str = now()
        self.before_order: Callable[[], object] = bool
        self.archive: Callable[[], Archive] = Archive
        self.describe: Callable[[int], tuple[str | None, str, str]] = lambda _: (None, "", "")

    def use(self, settings: Settings, cursor: str, since: datetime) -> None:
        """Take the notifiers of these settings; the journal was read up to `cursor`, or if that is "" up to `since`."""
        self._channels = {one.policy.name: one.notifier for one in settings.channels}
        self._public = frozenset(one.policy.name for one in settings.channels if one.policy.public)
        self._policy = settings.policy
        self._settings = settings
        if not isinstance(self._cursor, str):
            self._cursor = cursor or since

    def relate(self, snapshot: UnitSnapshot) -> None:
        """Keep what a unit is bound to: a stop that follows another unit's is nobody's wish."""
        self._relations[snapshot.name] = snapshot.pulls

    def stops(self) -> tuple[tuple[StopSeen, ...], str]:
        """Return operators' stops since the last reading, and the journal's cursor; nothing where it is unreadable."""
        with self._stops_lock:
            try:
                found, cursor = journal.stops(self._cursor, dict(self._relations))  # grows meanwhile
            except journal.JournalError as error:
                log.warning("cannot read who stopped what", error=str(error))
                return (), ""
            self._cursor = cursor or self._cursor
            return found, cursor

    def act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        """Carry out an order."""
        self._acting.submit(lambda: self._act(incident, action, event))

    def _act(self, incident: int, action: int, event: ev.ActionRequested) -> None:
        order = Order(
            unit=event.unit,
            also=event.also,
            scope=event.scope,
            timeout=event.timeout,
            hold_path=HOLD_PATH,
            command=event.command,
            act=event.act,
        )
        outcome = _carry_out(event.remedy, order)
        if event.remedy == "reset_failed" and outcome.result == "done":
            outcome = _carry_out("restart", order)
        if outcome.result == "refused" and self._settings is not None:
            if outcome.error.startswith(systemd.NOT_ALLOWED):
                self._rights.refused(f"{event.remedy} {event.unit}")
            self._post(inbox.RightsSeen(lacking=self._rights.lacking(self._settings)))
        log.info("order carried out", remedy=event.remedy, unit=event.unit, result=outcome.result, error=outcome.error)
        self._post(inbox.ActionDone(incident=incident, action=action, outcome=outcome))

    def settle(self, incident: int, action: Action, scope: str) -> None:
        """Find out what became of an order that went out before this process began."""
        self._acting.submit(lambda: self._settle(incident, action, scope))

    def _settle(self, incident: int, action: Action, scope: str) -> None:
        outcome = start.fate(action, scope)
        log.info("fate of an earlier order", remedy=action.remedy, unit=action.unit, said=outcome.error)
        self._post(inbox.ActionDone(incident=incident, action=action.seq, outcome=outcome))

    def send(self, owed: Owed) -> None:
        """Try to deliver a message."""
        self._telling.submit(lambda: self._send(owed))

    def _send(self, owed: Owed) -> None:
        notifier = self._channels.get(owed.notifier) or (JournalNotifier() if owed.notifier == "journal" else None)
        if notifier is None:
            reason = f"cannot send: no notifier {owed.notifier!r} in the settings"
            self._post(inbox.Tried(key=owed.key, delivered=False, retryable=False, reason=reason))
            return
        try:
            reached = notifier.send(self._message(owed), now=self._now(), done=frozenset(owed.targets))  # type: ignore[attr-defined]
        except notifiers.NotifyError as error:
            self._post(_failed(owed.key, error))
        except Exception as error:  # noqa: BLE001 - one bad notifier must not stop the others; it is recorded
            self._post(inbox.Tried(key=owed.key, delivered=False, reason=f"{type(error).__name__}: {error}"))
        else:
            self._post(inbox.Tried(key=owed.key, delivered=True, targets=tuple(one.target for one in reached)))

    def _message(self, owed: Owed) -> Message:
        label, text, severity = self.describe(owed.incident) if owed.incident is not None else (None, "", "")
        message = Message(
            key=owed.key,
            kind=MessageKind(owed.kind),
            host=self._policy.host,
            title=owed.title,
            body=owed.body,
            reason=owed.reason,
            as_of=owed.queued_at,
            incident=label,
            incident_json=text,
            severity=severity,
        )
        return public(message, self._policy) if owed.notifier in self._public else message

    def gather(self, wanted: FactsWanted) -> None:
        """Read what must be known before a repair."""
        self._reading.submit(lambda: self._gather(wanted))

    def _gather(self, wanted: FactsWanted) -> None:
        try:
            self.before_order()
        finally:  # a repair must not wait for ever because we cannot tell what was changed
            self._post(self._facts(wanted))

    def _facts(self, wanted: FactsWanted) -> inbox.FactsSeen:
        unit, scope = wanted.unit, wanted.scope
        manager = systemd.connection(scope)
        snapshot: UnitSnapshot | None = None
        also: tuple[UnitSnapshot, ...] = ()
        below: tuple[UnitSnapshot, ...] = ()
        with contextlib.suppress(BusError, BusLostError):
            snapshot = manager.snapshot(unit)
            also = manager.snapshots(snapshot.also) if snapshot is not None else ()
            below = self._dependants(unit, manager)
        stops, cursor = self.stops()
        near = self._near(wanted, snapshot)
        facts = Facts(unit=unit, at=self._now(), snapshot=snapshot, also=also, dependants=below, evidence=near)
        found = conditions(manager.system_state, HOLD_PATH)
        return inbox.FactsSeen(unit=unit, facts=facts, conditions=found, stops=stops, cursor=cursor)

    def _near(self, wanted: FactsWanted, snapshot: UnitSnapshot | None) -> Evidence | None:
        """Read what can be read in a moment; the rest of the evidence is gathered beside the repair."""
        try:
            log = journal.lines(wanted.unit, wanted.since, MOST_TOLD, wanted.scope, BEFORE_ACTING)
        except journal.JournalError:
            log = ()
        with contextlib.suppress(OSError):
            return self._with_said(self._around(log, (), snapshot, wanted.scope), wanted.unit, wanted.message)
        return None

    def _dependants(self, unit: str, manager: systemd.Systemd) -> tuple[UnitSnapshot, ...]:
        """Read the units that depend on this one by the settings, and what systemd restarts with those."""
        if not dependants.wants_them(self._policy, unit):
            return ()
        found = manager.snapshots(dependants.below(self._policy, unit))
        known = {unit, *(one.name for one in found)}
        more = {name for one in found for name in one.also} - known
        return (*found, *manager.snapshots(sorted(more)))

    def investigate(self, incident: Incident, unit: UnitSnapshot | None, since: datetime) -> None:
        """Collect evidence beside the repair; `unit` as it was when it failed."""
        self._reading.submit(lambda: self._investigate(incident, unit, since))

    def _investigate(self, incident: Incident, unit: UnitSnapshot | None, since: datetime) -> None:
        tried = ordered(incident.actions)
        check = self._policy.check(incident.check)
        self._tell_lines(incident)
        scope = check.scope if check is not None else "system"
        found = evidence.gather(incident.unit, since, scope)
        for part in found.parts[:2] if tried else found.parts:  # what the host was doing is known from the beginning
            lines = part.lines or ((f"cannot read: {part.unread}",) if part.unread else ())
            if lines:
                self._post(inbox.EvidenceSeen(incident=incident.seq, source=part.title, lines=lines[-MOST_TOLD:]))
        around = self._around(found.lines("log"), found.lines("kernel"), unit, scope)
        around = replace(around, killers=surroundings.killers(unit))
        if self._settings is not None:
            around = replace(around, usual=sampling.usual(self._settings.state, incident.check, self._now()))
        self._post(inbox.SurroundingsSeen(incident=incident.seq, evidence=self._compared(incident, around)))

    def _around(self, log: Sequence[str], kernel: Sequence[str], unit: UnitSnapshot | None, scope: str) -> Evidence:
        aims = targets(self._settings) if self._settings is not None else ()
        return surroundings.around(unit, log, kernel, aims, scope)

    def compare(self, incident: Incident, evidence: Evidence) -> None:
        """Compare what is on record of a failure with the archive, beside everything else."""
        self._reading.submit(
            lambda: self._post(inbox.Compared(incident=incident.seq, evidence=self._compared(incident, evidence)))
        )

    def _compared(self, incident: Incident, evidence: Evidence) -> Evidence:
        return self._with_said(evidence, incident.unit or incident.check, evidence.message or incident.reason)

    def _with_said(self, evidence: Evidence, unit: str, message: str = "") -> Evidence:
        """Return the evidence with the expressions of the archive that are found in its lines."""
        wanted = expressions_for(self.archive().patterns, unit)
        lines = (*evidence.kernel, *evidence.log)
        found = said(wanted, [message, *(line.text for line in lines)]) if wanted else ()
        return replace(evidence, said=found)

    def follow(self, incident: int, event: ev.PlaybookMatched) -> None:
        """Run the steps of a playbook that may be run."""
        self._following.begin(incident, event, self._policy.playbook)

    def _tell_lines(self, incident: Incident) -> None:
        """Where the check itself counted lines, they say more than anything around it."""
        watched = self._settings.watched if self._settings is not None else ()
        look: object = next((one.check for one in watched if one.policy.name == incident.check), None)
        if not isinstance(look, checks.Quoting):
            return
        with contextlib.suppress(journal.JournalError, OSError):
            if lines := look.evidence():
                self._post(inbox.EvidenceSeen(incident=incident.seq, source="lines that count", lines=lines))


def _carry_out(kind: str, order: Order) -> JobOutcome:
    try:
        return remedies.kind(kind)().act(order)
    except Exception as error:  # noqa: BLE001 - whatever broke, the order's fate must be recorded
        return JobOutcome(result="unknown", error=f"{type(error).__name__}: {error}")


def _failed(key: str, error: notifiers.NotifyError) -> inbox.Tried:
    return inbox.Tried(
        key=key,
        delivered=False,
        reason=str(error),
        retryable=error.retryable,
        retry_after=error.retry_after,
        targets=tuple(one.target for one in error.delivered),
    )
