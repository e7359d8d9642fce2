"""`memory purge`: a secret leaves the log; what was made of its event is made anew, and the rest is named."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsagent.core import contract
from opsagent.core.codec import VERSION, encode, kind_of
from opsagent.core.events import MemoryPurged
from opsagent.core.log_row import IncidentRow, NewRow
from opsagent.store import lock
from opsagent.store.eventlog import EventLog
from opsagent.store.purge import purge as purge_event
from opsagent.store.reader import Reader

if TYPE_CHECKING:
    from datetime import datetime

    from opsagent.core.incident import Incident

LARGEST = 16 << 20
"""Bytes of a Markdown file that is searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """The hash that stands in the event's place, and the files in which the secret may stand as well."""

    sha256: str
    copies: tuple[Path, ...]
    markdown: tuple[Path, ...]


def purge(state: Path, memory: Path, seq: int, because: str, *, by: str, at: datetime) -> Purged:
    """Replace the content of an event by its hash. Raises LookupError, LockedError, StoreError, OSError.

    Markdown is never cut by us, for people's words may stand beside ours: the files are named.
    """
    with Reader.open(state / "events.db") as reader:
        rows = reader.events(after=seq - 1, limit=1)
    row = next((one for one in rows if one.seq == seq), None)
    event = MemoryPurged(purged=seq, because=because)
    note = NewRow(at=at, type=kind_of(event), v=VERSION, data=encode(event), actor=by)
    done = purge_event(state, seq, because, note)
    if row is not None and row.incident is not None:
        _put_anew(state, row.incident, at, host=row.host, boot=row.boot)
    label = _label(state, row.incident) if row is not None and row.incident is not None else None
    return Purged(sha256=done.sha256, copies=done.copies, markdown=_mentions(memory, seq, label))


def _put_anew(state: Path, seq: int, at: datetime, *, host: str, boot: str) -> None:
    """Write the incident as the events that are left tell it; none when it was its first event that went."""
    held = lock.take(state)
    try:
        with contextlib.closing(EventLog(state / "events.db", host=host, boot=boot).open()) as log:
            found = contract.retold(row for row in log.replay() if row.incident == seq)
            if found is not None and found.label is not None:
                log.append([], at, incidents=[_row(found)])
    finally:
        held.release()


def _row(incident: Incident) -> IncidentRow:
    return IncidentRow(
        seq=incident.seq,
        label=incident.label or "",
        key=incident.key,
        check=incident.check,
        state=incident.state.value,
        opened_at=incident.first_bad_at,
        closed_at=incident.closed_at,
        json=contract.incident_json(incident),
    )


def _label(state: Path, seq: int) -> str | None:
    with Reader.open(state / "events.db") as reader:
        found = contract.retold(reader.events(incident=seq))
    return found.label if found is not None else None


def _mentions(memory: Path, seq: int, label: str | None) -> tuple[Path, ...]:
    """Return the Markdown files that have the event's own entry, or its incident's file."""
    marker = f"<!-- opsagent:{seq} -->".encode()
    return tuple(path for path in sorted(memory.rglob("*.md")) if path.stem == label or marker in _start(path))


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST)
