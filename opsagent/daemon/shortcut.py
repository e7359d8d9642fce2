"""The start's shortcut: begin from a snapshot that is some days old, and read only what came after it.

Some days, because the memory tells the last ones again: what a crash kept from the Markdown is written then.
"""

from __future__ import annotations

import hashlib
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

import opsagent.core
from opsagent.core.incident import IllegalTransitionError
from opsagent.core.log_row import StoreError
from opsagent.core.snapshot import Snapshot, after, from_text, to_text
from opsagent.store import snapshot as store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opsagent.core.codec import Recorded
    from opsagent.store.eventlog import EventLog

log = structlog.get_logger("opsagent")
AGE = timedelta(days=3)
APART = timedelta(days=1)
SOME = 5000  # events, about half a second
WORTH = 1000
"""Events that a start had to read beyond its snapshot before it keeps a newer one."""


def code() -> str:
    """Return a hash of the rules by which events are folded: other rules may come to another state."""
    digest = hashlib.sha256()
    for path in sorted(Path(opsagent.core.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def found(directory: Path, events: EventLog, now: datetime) -> Snapshot:
    """Return the snapshot of this very log, made by this very code and old enough; else the one of an empty log."""
    kept = store.read(directory)
    if kept is None or kept.code != code() or _row(events, kept.seq) != kept.row:
        return Snapshot()
    try:
        snapshot = from_text(kept.text)
    except ValueError as error:
        log.warning("the snapshot cannot be read, so the whole log is", error=str(error))
        return Snapshot()
    at = snapshot.state.at
    return snapshot if snapshot.state.seq == kept.seq and at is not None and at <= now - AGE else Snapshot()


def brought_up(
    begin: Snapshot, rows: Iterable[Recorded], now: datetime, tell: Callable[[str], object] = bool
) -> tuple[Snapshot, Snapshot, int]:
    """Fold what came after a snapshot; return how it stood some days ago, how it stands, and the events left out.

    `tell` hears now and then how far it has come.
    """
    past, present, skipped = begin, begin, 0
    for one in rows:
        try:
            present = after(present, one)
        except IllegalTransitionError:
            skipped += 1
        if one.seq % SOME == 0:
            tell(f"reading the event log: {one.seq} events so far")
        if one.at <= now - AGE:
            past = present
    return past, present, skipped


def keep(directory: Path, snapshot: Snapshot, events: EventLog) -> bool:
    """Keep a snapshot for the next start; not one that holds what is not recorded yet. A disk that says no is told."""
    try:
        row = _row(events, snapshot.state.seq)
        if row:
            kept = store.Kept(text=to_text(snapshot), seq=snapshot.state.seq, row=row, code=code())
            store.write(directory, kept)
    except (OSError, StoreError) as error:
        log.warning("the next start will read more of the log than it need", error=str(error))
        return False
    return bool(row)


def _row(events: EventLog, seq: int) -> str:
    row = next(events.replay(after=seq - 1), None)
    return store.hash_of(row) if row is not None and row.seq == seq else ""


class Keeper:
    """Notes once a day how things stand, and keeps it when it is some days old. States are frozen: a note is free."""

    def __init__(self, directory: Path, events: EventLog) -> None:
        """Nothing is noted yet."""
        self._directory = directory
        self._events = events
        self._notes: deque[tuple[datetime, Snapshot]] = deque()

    def note(self, snapshot: Snapshot, now: datetime) -> None:
        """Take a note if the last one is a day old; keep the oldest when it is old enough. For each heartbeat."""
        if not self._notes or abs(now - self._notes[-1][0]) >= APART:
            self._notes.append((now, snapshot))
        while len(self._notes) > AGE // APART and abs(now - self._notes[0][0]) >= AGE:
            keep(self._directory, self._notes.popleft()[1], self._events)
