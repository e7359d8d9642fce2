"""The memory: what the log holds, told in Markdown. Trouble with the disk is told, never raised, and caught up."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsagent.core import events as ev
from opsagent.core import story
from opsagent.core.before import before as seen_before
from opsagent.core.fold import fold
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.report.about_backups import BACKUPS, backups_part, with_part
from opsagent.core.report.archive import archived, noted
from opsagent.core.report.daily import entries
from opsagent.core.report.environment import environment_block, with_block
from opsagent.core.report.head import closing, head
from opsagent.core.report.incident_file import incident_file, merged
from opsagent.core.report.links import below_incidents, has_file
from opsagent.core.snapshot import Snapshot
from opsagent.core.timing import local_date
from opsagent.memory.days import Days
from opsagent.memory.drafts import Drafts
from opsagent.memory.layout import PLACES, Layout
from opsagent.memory.pages import Pages
from opsagent.memory.patterns import Patterns
from opsagent.memory.writer import WriteError, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from opsagent.core.before import Before
    from opsagent.core.codec import Recorded
    from opsagent.core.incident import Incident
    from opsagent.core.report.archive import Pattern
    from opsagent.core.report.entry import Entry
    from opsagent.core.report.head import Head
    from opsagent.core.state import State

BACKLOG = 1000
"""Entries that wait for a disk; older ones are left to a rebuild, for the log has them all."""
INCIDENTS_WAITING = 200
TRY_AGAIN = timedelta(seconds=5)
ROUND = 100
_RENEWS_ENVIRONMENT = (ev.EnvironmentLearned, ev.EnvironmentDrifted, ev.StartupSeen, ev.HeartbeatDone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild found: entries written again, entries that were there, and what could not be written."""

    written: int
    present: int
    trouble: str


class Memory:
    """Keeps what is to be written and writes it when asked. For one thread only."""

    def __init__(self, root: Path, *, layout: str, host: str, redact: Callable[[str], str]) -> None:
        """`layout` is a word of `Layout`; every text passes `redact` on its way to the disk."""
        self._places = PLACES[Layout(layout)]
        self._writer = Writer(root)
        self._days = Days(self._writer, self._places, host, redact)
        self._redact = redact
        self._entries: deque[Entry] = deque()
        self._ended: dict[date, Head] = {}
        self._incidents: dict[int, tuple[Incident, Before]] = {}
        self._pages = Pages(self._writer, self._places, redact)
        self._drafts = Drafts(self._writer, redact)
        self._of_failures = Patterns(self._writer, self._places, redact)
        self._backups: State | None = None
        self._patterns: Mapping[str, Pattern] = {}
        self._new_patterns: set[str] = set()
        self._news = True
        self._environment_news = False
        self._tried_at = datetime.min.replace(tzinfo=UTC)
        self.trouble = ""
        """Why something waits to be written, "" when nothing does."""
        self.missing_since: date | None = None
        """The first day of which entries were left out of the backlog; `rebuild(rows, since=…)` brings them back."""

    @property
    def waiting(self) -> int:
        """How many entries wait for the disk."""
        return len(self._entries)

    def rename(self, host: str) -> None:
        """Call the host so from here on: new settings may give it another name while we run."""
        self._days.host = host
        self._news = True

    def remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        """Tell what one turn recorded: each event with the state before and after it. Never raises for disks."""
        for before, after, recorded in steps:
            self._note_end(before, after, recorded)
            self._tell(before, after, recorded)
            self._forget_oldest()
            self._note_incident(before, after, recorded)
            self._note_pattern(before, after, recorded)
            self._environment_news |= isinstance(recorded.event, _RENEWS_ENVIRONMENT)
        if steps:
            _, after, recorded = steps[-1]
            self._news = True
            self.catch_up(after, recorded.at)

    def catch_up(self, state: State, now: datetime) -> None:
        """Write what waits, then today's head if anything happened since it was written. Never raises for disks.

        While there is trouble it is tried every 5 s (`TRY_AGAIN`), however often it is asked.
        """
        if self.trouble and abs(now - self._tried_at) < TRY_AGAIN:
            return
        self._tried_at = now
        problems = self._write_out(state.zone)
        if self._news:
            problem = self._tried(lambda: self._days.put_head(head(state, now, self._days.host)))
            self._news = bool(problem)
            problems += problem
        if self._environment_news:
            problem = self._tried(partial(self._write_environment, state))
            self._environment_news = bool(problem)
            problems += problem
        self.trouble = problems[0] if problems else ""

    @property
    def patterns(self) -> Mapping[str, Pattern]:
        """The failure patterns that the events told of until now."""
        return self._patterns

    def rebuild(
        self,
        rows: Iterable[Recorded],
        *,
        date: date | None = None,
        since: date | None = None,
        begin: Snapshot | None = None,
    ) -> Rebuilt:
        """Project the log again: what is missing is written, what is there (its marker says so) is left alone.

        `date` limits the entries to one local day, `since` to that day and later. Learns the failure patterns on its
        way, so a daemon calls it once at start with the last two days. `begin` is how it stood before the first of
        these rows; without it they are the whole log. Lenient: an impossible event is left out.
        """
        begin = begin or Snapshot()
        self._patterns, self._new_patterns = begin.patterns, set(begin.patterns)
        state, counts, problems, touched = begin.state, [0, 0], list[str](), set[int | None]()
        for recorded in rows:
            before = state
            try:
                state = fold(before, recorded)
            except IllegalTransitionError:
                continue
            self._note_pattern(before, state, recorded)
            if _wanted(before, date, since):
                self._note_end(before, state, recorded)
            if _wanted(state, date, since):
                self._tell(before, state, recorded)
                touched.add(recorded.incident)
            if recorded.incident in touched:  # its file is told to the end, also beyond that day
                self._note_incident(before, state, recorded)
            if len(self._entries) + len(self._incidents) >= ROUND:
                problems += self._write_out(state.zone, counts)
        problems += self._write_out(state.zone, counts)
        if _wanted(state, date, since):
            problems += self._fill(state)
        self._news = True
        self.missing_since = self.missing_since if date is not None else None
        self.trouble = problems[0] if problems else ""
        return Rebuilt(written=counts[0], present=counts[1], trouble=self.trouble)

    def _told(self, before: State, after: State, recorded: Recorded) -> tuple[Entry, ...]:
        """The story; a day that ended gets its figures where no head of ours has them."""
        ended = closing(before, after, recorded) if not self._places.heads else None
        return (*((ended,) if ended else ()), *entries(before, after, recorded))

    def _note_end(self, before: State, after: State, recorded: Recorded) -> None:
        """Keep the last head of a day that ended just now: it may not have been written, and is not made again."""
        if before.at is None or local_date(before.at, before.zone) == local_date(recorded.at, after.zone):
            return
        ended = head(before, before.at, self._days.host)
        self._ended[ended.date] = ended

    def _fill(self, state: State) -> list[str]:
        """Write what is told of the last state alone."""
        writes = (self._fill_head, self._write_environment)
        return [problem for write in writes for problem in self._tried(partial(write, state))]

    def _fill_head(self, state: State) -> None:
        """Give the last day its figures where its file was begun without them; else its head is the daemon's."""
        if state.at is not None and self._days.is_blank(local_date(state.at, state.zone), state.zone):
            self._days.put_head(head(state, state.at, self._days.host))

    def _tell(self, before: State, after: State, recorded: Recorded) -> None:
        self._entries.extend(self._told(before, after, recorded))
        self._pages.tell(after, recorded, self._days.host)
        self._drafts.tell(after, recorded, self._days.host)
        self._of_failures.tell(after, recorded)
        self._backups = after if isinstance(recorded.event, BACKUPS) else self._backups

    def _forget_oldest(self) -> None:
        lost = [self._entries.popleft().date for _ in range(len(self._entries) - BACKLOG)]
        lost += [day] if (day := self._pages.forget_oldest(BACKLOG)) is not None else []
        if lost:
            self.missing_since = min((self.missing_since or lost[0], *lost))

    def _note_incident(self, before: State, after: State, recorded: Recorded) -> None:
        seq = recorded.incident
        if seq is None:
            return
        known, earlier = after.incident(seq), before.incident(seq)
        if known is None and earlier is not None:
            known = story.apply(earlier, recorded)  # it left the state by being closed
        if known is not None and known != earlier and has_file(known):
            self._incidents.pop(seq, None)
            self._incidents[seq] = (known, seen_before(after, known))
        while len(self._incidents) > INCIDENTS_WAITING:
            self._incidents.pop(next(iter(self._incidents)))
            self.missing_since = self.missing_since or local_date(recorded.at, after.zone)

    def _note_pattern(self, before: State, after: State, recorded: Recorded) -> None:
        patterns = noted(self._patterns, before, after, recorded)
        self._new_patterns |= {key for key, one in patterns.items() if self._patterns.get(key) is not one}
        self._patterns = patterns

    def _write_backups(self, state: State) -> None:
        ours = self._redact(backups_part(state))
        self._writer.replace(self._places.backups, lambda found: with_part(found, ours))

    def _write_out(self, zone: str, counts: list[int] | None = None) -> list[str]:
        """Write entries, incident files and the archive; return what stood in the way, each once."""
        problems = self._write_entries(zone, counts if counts is not None else [0, 0])
        for seq, (incident, seen) in list(self._incidents.items()):
            problem = self._tried(partial(self._write_incident, incident, seen))
            problems += problem
            if not problem:
                del self._incidents[seq]
        problems += self._tried(self._pages.write)
        problems += self._tried(self._drafts.write)
        problems += self._tried(self._of_failures.write)
        if self._backups is not None:
            problem = self._tried(partial(self._write_backups, self._backups))
            problems += problem
            self._backups = self._backups if problem else None
        if not problems:
            for ended in list(self._ended.values()):
                problems += self._tried(partial(self._days.end, ended))
            self._ended = self._ended if problems else {}
        if self._new_patterns:
            problem = self._tried(self._write_archive)
            problems += problem
            self._new_patterns = self._new_patterns if problem else set()
        return problems

    def _write_entries(self, zone: str, counts: list[int]) -> list[str]:
        """Write the entries in order; behind one that fails, the others of the same day wait too."""
        problems: dict[date, str] = {}
        waiting, self._entries = self._entries, deque()
        for entry in waiting:
            if entry.date not in problems:
                try:
                    counts[0 if self._days.add(entry, zone) else 1] += 1
                    continue
                except WriteError as error:
                    problems[entry.date] = str(error)
            self._entries.append(entry)
        return list(problems.values())

    def _write_incident(self, incident: Incident, seen: Before) -> None:
        if incident.label is None:
            return
        ours = self._redact(incident_file(incident, self._days.host, seen))
        path = self._places.incidents / PurePosixPath(below_incidents(incident.label))
        self._writer.replace(path, lambda found: merged(found, ours))

    def _write_archive(self) -> None:
        new = {key: self._clean(self._patterns[key]) for key in sorted(self._new_patterns)}
        self._writer.replace(self._places.archive, lambda found: archived(found, new))

    def _write_environment(self, state: State) -> None:
        if block := self._redact(environment_block(state, self._days.host)):
            self._writer.replace(self._places.environment, lambda found: with_block(found, block))

    def _clean(self, pattern: Pattern) -> Pattern:
        return replace(
            pattern,
            title=self._redact(pattern.title),
            symptom=self._redact(pattern.symptom),
            cause=self._redact(pattern.cause),
            resolution=self._redact(pattern.resolution),
        )

    @staticmethod
    def _tried(write: Callable[[], None]) -> list[str]:
        try:
            write()
        except WriteError as error:
            return [str(error)]
        return []


def _wanted(state: State, day: date | None, since: date | None) -> bool:
    """Whether the last event of this state belongs to that day, and not before `since`."""
    if state.at is None:
        return False
    its = local_date(state.at, state.zone)
    return (day is None or its == day) and (since is None or its >= since)
