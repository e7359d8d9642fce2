"""A log of many events, made in seconds: one incident played by the real core, told again at other times."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core import batch, codec, inbox, story
from opsagent.core.fold import fold
from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.state import State
from opsagent.store import schema
from opsagent.store.eventlog import EventLog
from tests.core.live_host import LiveHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from opsagent.core.incident import Incident
    from opsagent.core.log_row import Batch, Row

API = CheckPolicy(
    name="api",
    kind="http",
    unit="api.service",
    every=timedelta(seconds=10),
    repair=(RemedyRule(do="restart"),),
    criticality=Criticality.IMPORTANT,
)
POLICY = Policy(host="bench", checks=(API,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),))
APART = timedelta(hours=2.5)  # from one incident to the next: ten a day
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
_NUMBER = re.compile(r'"(action|parent)":(\d+)')
_LABEL = re.compile(r"OPS-\d{8}-\d{3}")
_LINES = tuple(f"2026-11-18T11:59:{n:02} api[4711]: GET /orders/{n} answered 500 after {n} ms" for n in range(50))


def played() -> list[Row]:
    """Return the rows of one incident from kill to close, with its evidence, the heartbeats around it, its unit."""
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.run(minutes=1)
    first = len(host.log.rows)
    host.kill("api.service")
    seq = host.agent.state.open_incidents[0].seq
    for source in ("journal of api.service", "listeners"):
        host.take(inbox.EvidenceSeen(incident=seq, source=source, lines=_LINES))
    for _ in range(3):
        host.run(minutes=15)
        host.take(inbox.Beat(late=0.0, seconds=0.2))
    return host.log.rows[first:]


def copies(rows: list[Row], events: int, last: datetime) -> Iterator[list[Row]]:
    """Yield the rows of one incident after the other, `events` rows in all, the last one ending at `last`."""
    rounds = -(-events // len(rows))
    for number in range(rounds):
        by = last - APART * (rounds - 1 - number) - rows[-1].at
        yield [moved(row, by, len(rows) * number + 1 - rows[0].seq, number) for row in rows][
            : events - len(rows) * number
        ]


def moved(row: Row, by: timedelta, seqs: int, number: int) -> Row:
    """Return a row as it would be at another time, with numbers that are higher by `seqs`, of another incident."""
    data = _WHEN.sub(lambda found: (datetime.fromisoformat(found[0]) + by).isoformat(), row.data)
    data = _NUMBER.sub(lambda found: f'"{found[1]}":{int(found[2]) + seqs}', data)
    at = row.at + by
    data = _LABEL.sub(f"OPS-{at:%Y%m%d}-{number % 1000:03}", data)
    moved = {
        name: None if old is None else old + seqs
        for name, old in (("incident", row.incident), ("because", row.because))
    }
    return replace(row, seq=row.seq + seqs, at=at, data=data, **moved)  # type: ignore[arg-type]


def fill(path: Path, events: int, now: datetime) -> None:
    """Make an event log with so many events, and the rows of incidents that the daemon would have kept beside them."""
    fill_with(path, copies(played(), events, now - timedelta(hours=1)))


def fill_with(path: Path, parts: Iterable[list[Row]]) -> None:
    """Make an event log of these rows, some at a time."""
    EventLog(path, host="bench", boot="bench").open().close()
    state, count = State(), 0
    connection = sqlite3.connect(path)
    for number, rows in enumerate(parts):
        kept = _batch(state, rows)
        state, count = kept[1], count + len(rows)
        schema.write(connection, kept[0], rows)
        if number % 500 == 0:
            print(f"\r  a log: {count:,} events …", end="", flush=True)
    connection.commit()
    connection.close()
    print("\r" + " " * 60 + "\r", end="")


def _batch(state: State, cycle: list[Row]) -> tuple[Batch, State]:
    pairs, changed = [], dict[int, "Incident"]()
    for one in codec.read_all(cycle):
        before, state = state, fold(state, one)
        pairs.append((before, one))
        known = state.incidents.get(one.incident or 0)
        gone = before.incidents.get(one.incident or 0)
        if known is not None:
            changed[known.seq] = known
        elif gone is not None:
            changed[gone.seq] = story.apply(gone, one)
    return batch.of(pairs, changed.values(), state, cycle[-1].at), state
