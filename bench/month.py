"""A recorded month, made in a minute: 100 checks looked at every minute, and spells of trouble, each on one of them."""

from __future__ import annotations

import random
import re
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bench.history import fill_with, moved
from opsagent.core import inbox
from opsagent.core.log_row import Row
from opsagent.core.observation import Status
from opsagent.interfaces import known
from opsagent.store import chunks
from opsagent.store.chunks import Sample
from opsagent.store.samples import ADD_FULL, CHUNK, Samples
from opsagent.store.samples import NAME as SAMPLES
from tests.replay.recorded_host import RecordedHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opsagent.core.policy import Policy

CHECKS, DAYS, EVERY = 100, 30, timedelta(minutes=1)
TOLD = timedelta(hours=1)
"""By then each of the tales is closed."""
SETTINGS = "host: bench\nnotifiers:\n- {name: hook, kind: webhook, url: 'http://127.0.0.1:9/'}\nchecks:\n" + "".join(
    f"- {{name: s{n}, kind: http, url: 'http://127.0.0.1:{9000 + n}/health', unit: s{n}.service, every: 60s, "
    "criticality: important, repair: [restart]}\n"
    for n in range(CHECKS)
)
_NAME = re.compile(r"\bs0\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tale:
    """One spell of trouble of the service s0, from the last quiet minutes before it to its end."""

    began: datetime
    rows: list[Row]
    samples: list[Sample]


def _killed(host: RecordedHost) -> None:
    host.kill("s0.service")


def _sick(host: RecordedHost) -> None:
    host.services["s0.service"].sick = "status"
    host.run(minutes=15)
    host.services["s0.service"].sick = ""


def _told(policy: Policy, trouble: Callable[[RecordedHost], None], at: datetime) -> Tale:
    """Play one spell on a host of its own."""
    host = RecordedHost(replace(policy, checks=policy.checks[:1]), at)
    host.serve("s0.service")
    host.run(minutes=5)
    first = len(host.log.rows)
    trouble(host)
    host.run(until=lambda: host.now >= at + TOLD, minutes=90)
    return Tale(began=at, rows=host.log.rows[first:], samples=host.samples["s0"])


def fill(folder: Path, spells: int, now: datetime, days: int = DAYS) -> Path:
    """Make settings, a log and samples of so many days up to `now`; return the settings' path."""
    path = folder / "opsagent.yaml"
    path.write_text(f"state: {folder}\n{SETTINGS}")
    settings = known.read(path, draft=True)
    begin = now - timedelta(days=days)
    tales = [_told(settings.policy, trouble, begin) for trouble in (_killed, _sick)]
    whens = [begin + (now - begin) * number / spells for number in range(spells)]
    source = settings.sources[0]
    host = RecordedHost(settings.policy, begin - EVERY)
    text = f"# {source.path}\n{source.text}"
    host.take(
        inbox.Started(version="1", pid=1), inbox.SettingsRead(policy=settings.policy, digest=source.sha256, text=text)
    )
    for n in range(CHECKS):
        host.serve(f"s{n}.service")
    fill_with(folder / "events.db", _rows(host.log.rows, tales, whens))
    _put_samples(folder / SAMPLES, tales, whens, (begin, now))
    return path


def _whose(number: int) -> int:
    """Return the check of a spell, without a rhythm: what comes at equal times is told as chronic."""
    return random.Random(number).randrange(CHECKS)


def _rows(first: list[Row], tales: list[Tale], whens: list[datetime]) -> Iterator[list[Row]]:
    yield first
    last = len(first)
    for number, when in enumerate(whens):
        tale, name = tales[number % len(tales)], f"s{_whose(number)}"
        rows = [moved(row, when - tale.began, last + 1 - tale.rows[0].seq, number) for row in tale.rows]
        yield [replace(row, data=_NAME.sub(name, row.data)) for row in rows]
        last += len(rows)


def _put_samples(path: Path, tales: list[Tale], whens: list[datetime], span: tuple[datetime, datetime]) -> None:
    """Write what every check saw: a good look each minute, but for the hours of its tales."""
    begin, now = span
    Samples.open(path, now).close()
    connection = sqlite3.connect(path)
    for n in range(CHECKS):
        connection.execute("INSERT INTO checks(id, name) VALUES(?, ?)", (n + 1, f"s{n}"))
        mine = [(when, tales[number % len(tales)]) for number, when in enumerate(whens) if _whose(number) == n]
        found = list(_samples(mine, begin + EVERY * n / CHECKS, now))
        for place in range(0, len(found), CHUNK):
            part = found[place : place + CHUNK]
            cells = (n + 1, chunks.millis(part[0].at), chunks.millis(part[-1].at), chunks.pack(part))
            connection.execute(ADD_FULL, cells)
        print(f"\r  a month of looks: {n + 1} of {CHECKS} checks", end="", flush=True)
    connection.commit()
    connection.close()
    print("\r" + " " * 60 + "\r", end="")


def _samples(tales: list[tuple[datetime, Tale]], at: datetime, end: datetime) -> Iterator[Sample]:
    for when, tale in tales:
        yield from _quiet(at, when)
        yield from (replace(one, at=one.at + (when - tale.began)) for one in tale.samples)
        at = when + TOLD + EVERY
    yield from _quiet(at, end)


def _quiet(at: datetime, end: datetime) -> Iterator[Sample]:
    while at < end:
        yield chunks.Sample(at=at, status=Status.OK, value=0.003)
        at += EVERY
