"""Facts told one after the other: each is folded, and what it adds to the day's story is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core.codec import Recorded
from opsagent.core.fold import fold
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.report.daily import entries
from opsagent.core.report.entry import Entry
from opsagent.core.state import State

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

NIGHT = datetime(2026, 11, 18, 1, 14, 6, tzinfo=UTC)  # 02:14:06 in Berlin


@dataclass
class Telling:
    """A state, a clock of our own and the entries so far."""

    state: State = field(default_factory=lambda: State(zone="Europe/Berlin", mode="auto"))
    at: datetime = NIGHT
    entries: list[Entry] = field(default_factory=list)
    steps: list[tuple[State, State, Recorded]] = field(default_factory=list)

    def take(self, event: ev.Event, incident: int | None = None, *, after: float = 0, opens: bool = False) -> str:
        """Record an event `after` seconds and return its entry's text, "" for none."""
        self.at += timedelta(seconds=after)
        seq = self.state.seq + 1
        recorded = Recorded(seq=seq, at=self.at, event=event, incident=seq if opens else incident)
        before, self.state = self.state, fold(self.state, recorded)
        self.steps.append((before, self.state, recorded))
        new = entries(before, self.state, recorded)
        self.entries += new
        return "\n".join(one.text for one in new)

    def suspect(self, check: str = "api", unit: str | None = "api.service", message: str = "dead") -> int:
        """Open a suspect and return its key."""
        self.take(
            ev.IncidentSuspected(
                key=unit or check,
                check=check,
                unit=unit,
                failure_class="dead",
                message=message,
                first_bad_at=self.at,
            ),
            opens=True,
        )
        return self.state.seq

    def confirm(self, seq: int, severity: Severity = Severity.SEV2, to: Phase = Phase.REPAIRING, **more: object) -> str:
        """Confirm a suspect."""
        one = self.state.incidents[seq]
        fields = {
            "label": f"OPS-20261118-{seq:03d}",
            "to": to,
            "severity": severity,
            "failure_class": "dead",
            "fingerprint": f"{one.key}|http|dead",
            "reason": f"{one.check}: {one.reason}",
            "checks": (one.check,),
        } | more
        return self.take(ev.IncidentConfirmed(**fields), seq)

    def incident(self, check: str = "api", unit: str | None = "api.service", message: str = "dead") -> int:
        """Return the key of a new incident that the agent repairs."""
        seq = self.suspect(check, unit, message)
        self.confirm(seq)
        return seq

    def order(self, seq: int, also: tuple[str, ...] = (), remedy: str = "restart", reason: str = "try it") -> int:
        """Order a repair and return its number."""
        one = self.state.incidents[seq]
        self.take(
            ev.ActionRequested(
                remedy=remedy,
                unit=one.unit or "",
                scope="system",
                also=also,
                attempt=len(one.actions) + 1,
                invocation_id="a" * 32,
                reason=reason,
            ),
            seq,
        )
        return self.state.seq

    def end(
        self, seq: int, action: int, outcome: str, reason: str = "still dead", after: float = 5, *, said: str = "done"
    ) -> str:
        """Carry an order out and judge it; a verified one is good from 0.4 s after it."""
        self.take(ev.ActionEnded(action=action, result="done", reason=said, seconds=0.2), seq, after=0.4)
        if outcome == "verified":
            self.good(seq)
            after = 30
        return self.take(ev.ActionJudged(action=action, outcome=outcome, reason=reason), seq, after=after)

    def good(self, seq: int) -> str:
        """See the first good look."""
        return self.take(ev.RecoverySeen(mitigated_at=self.at, message="200"), seq)

    def page(
        self,
        seq: int,
        number: int = 1,
        loop: int = 0,
        reason: str = "restart does not help",
        by: tuple[str, ...] = ("mail", "hook"),
    ) -> str:
        """Page a level."""
        next_at = self.at + timedelta(minutes=30)
        event = ev.LevelPaged(level="oncall", number=number, loop=loop, notifiers=by, reason=reason, next_at=next_at)
        return self.take(event, seq)

    def one(self, seq: int) -> Incident:
        """Return an incident as it stands."""
        return self.state.incidents[seq]

    @property
    def text(self) -> str:
        """The whole story so far."""
        return "\n\n".join(entry.text for entry in self.entries)
