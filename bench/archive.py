"""What a long past costs: recording an incident, the commands that read, and the start, with 10 and 100,000 events."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import history
from bench.report import Promise, Result, median, millis, progress, spread
from opsagent.agent import Agent
from opsagent.core import inbox
from opsagent.core.snapshot import Snapshot
from opsagent.core.unit import UnitSnapshot
from opsagent.daemon import shortcut, start
from opsagent.memory.memory import Memory
from opsagent.redact import Redactor
from opsagent.store.eventlog import EventLog
from opsagent.store.pending import Pending
from tests.core.story_host import Orders
from tests.host.harness import Host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsagent.core.codec import Recorded
    from opsagent.core.state import State

FEW, MANY = 10, 100_000
INCIDENTS = 40
STATE = "/var/lib/opsagent"
FIRST_START = (
    "The first start with a long log and no snapshot (after an upgrade) reads every event; later ones begin from a "
    "snapshot that is three days old and read what came after it."
)
SETTINGS = "host: bench\nchecks:\n- {name: api, kind: http, url: 'http://127.0.0.1:9000/health'}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Wall and CPU seconds of one thing that was done."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was measured with a log of so many events; seconds, and resident KiB after the first start."""

    events: int
    first_start: float
    resident: int
    start: float
    status: list[Took]
    incidents: list[Took]
    record: list[Took] = field(default_factory=list)
    sync: list[Took] = field(default_factory=list)


class _Remembering(Orders):
    """Effects of which only the memory is real: nothing is ordered or sent."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def remember(self, steps: Sequence[tuple[State, State, Recorded]]) -> None:
        self._memory.remember(steps)


def recording(path: Path) -> Iterator[Took]:
    """Yield how long each of many new incidents took from the news to everything being on the disk.

    That is: decided, appended in one synced transaction, folded, listed, and told in the Markdown.
    """
    checks = tuple(replace(history.API, name=f"s{n}", unit=f"s{n}.service") for n in range(INCIDENTS))
    policy = replace(history.POLICY, checks=checks)
    now = datetime.now(UTC)
    log = EventLog(path, host="bench", boot="bench").open()
    _, stands, _ = shortcut.brought_up(Snapshot(), start.read_all(log.replay()), now)
    memory = Memory(path.parent / "memory", layout="standalone", host="bench", redact=Redactor().redact)
    for number in range(INCIDENTS):
        agent = Agent(
            policy=policy,
            state=stands.state,
            log=Pending(log),
            effects=_Remembering(memory),
            redact=Redactor().redact,
            taken=frozenset(one.label for one in stands.state.past),
        )
        wall, cpu = time.perf_counter(), time.process_time()
        agent.handle([_dead(f"s{number}.service", now)], now)
        yield Took(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
        if not agent.state.open_incidents or memory.trouble:
            raise RuntimeError(f"the incident was not recorded: {agent.state.incidents} {memory.trouble}")
    log.close()


def syncing(folder: Path) -> Iterator[Took]:
    """Yield how long this disk takes, now, for the least that a record costs: a page written and synced."""
    with (folder / "page").open("wb", buffering=0) as file:
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            yield Took(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def _dead(name: str, now: datetime) -> inbox.UnitSeen:
    return inbox.UnitSeen(
        snapshot=UnitSnapshot(
            name=name,
            read_at=now,
            type="simple",
            unit_file_state="enabled",
            active_state="failed",
            sub_state="failed",
            result="signal",
            exec_main_status=9,
        )
    )


def _filled(folder: Path, events: int) -> Path:
    path = folder / f"{events}" / "events.db"
    path.parent.mkdir()
    progress(f"archive: a log of {events:,} events is made")
    history.fill(path, events, datetime.now(UTC))
    return path


def measured(host: Host, folder: Path) -> list[Past]:
    """Measure with a short log and a long one: the recording here, by turns, the rest with the daemon on the host."""
    paths = [_filled(folder, events) for events in (FEW, MANY)]
    commands = [_on_host(host, path, events) for path, events in zip(paths, (FEW, MANY), strict=True)]
    progress("archive: recording, by turns")
    few, many, sync = zip(*zip(*map(recording, paths), syncing(folder), strict=False), strict=True)
    return [replace(one, record=list(found), sync=list(sync)) for one, found in zip(commands, (few, many), strict=True)]


def _on_host(host: Host, path: Path, events: int) -> Past:
    _put(host, path)
    progress(f"archive: {events:,} events, starting")
    first, resident = _start(host), _resident(host)
    return Past(
        events=events,
        first_start=first,
        resident=resident,
        start=median([_start(host) for _ in range(5)]),
        status=_timed(host, "opsagent status"),
        incidents=_timed(host, "opsagent incidents"),
    )


def _put(host: Host, path: Path) -> None:
    host.run(["systemctl", "stop", "opsagent.service"])
    host.run(["find", STATE, "-mindepth", "1", "-delete"])
    shutil.copyfile(path, f"/proc/{host.pid}/root{STATE}/events.db")
    host.run(
        [
            "sh",
            "-c",
            f"cd {STATE} && chmod 640 events.db && install -d -m 2770 spool && chown -R opsagent:opsagent .",
        ]
    )


def _start(host: Host) -> float:
    """Start the daemon; `systemctl start` comes back when it says that it is ready."""
    host.run(["systemctl", "stop", "opsagent.service"])
    return _timed(host, "systemctl start opsagent.service", times=1, timeout=90)[0].wall


def _resident(host: Host) -> int:
    status = host.read(f"/proc/{host.show('opsagent.service', 'MainPID')}/status")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def _timed(host: Host, command: str, times: int = 15, timeout: float = 60) -> list[Took]:
    script = f"TIMEFORMAT='%3R %3U %3S'; for n in $(seq {times}); do time {command} >/dev/null; done"
    lines = host.run(["bash", "-ec", script], timeout=timeout).stderr.splitlines()
    return [Took(wall=wall, cpu=user + system) for wall, user, system in (map(float, line.split()) for line in lines)]


def run() -> Result:
    """Measure with a short past and with a long one."""
    progress("archive: a host with opsagent installed is booted")
    host = Host.up("bench", installed=True)
    try:
        host.write("/etc/opsagent/opsagent.yaml", SETTINGS)
        host.run(["opsagent", "install", "--refresh"])
        with tempfile.TemporaryDirectory(prefix="opsagent-bench-") as folder:
            few, many = measured(host, Path(folder))
    finally:
        host.down()
    return Result(
        name="A long past",
        how=(
            f"An event log with {FEW} and with {MANY:,} events (one incident of the real core, told again ten times a "
            "day, evidence and heartbeats with it). Recording: the news that a unit is dead is decided on, appended in "
            f"one synced transaction, folded, listed and told in the Markdown; {INCIDENTS} times, both logs "
            "and a bare sync of a page by turns. Commands "
            "and starts: the installed program in a booted host, wall time of the whole process; "
            "a start counts until systemd hears that the daemon is ready. Median / 95th "
            "percentile / median of the CPU time."
        ),
        head=(
            "events in the log",
            "record an incident",
            "a bare sync",
            "`status`",
            "`incidents`",
            "start",
            "first start",
            "resident then",
        ),
        rows=tuple(_row(one) for one in (few, many)),
        promises=_promises(few, many),
        notes=(FIRST_START,),
    )


def _row(one: Past) -> tuple[str, ...]:
    return (
        f"{one.events:,}",
        _said(one.record),
        _said(one.sync),
        _said(one.status),
        _said(one.incidents),
        millis(one.start),
        millis(one.first_start),
        f"{one.resident / 1024:.0f} MiB",
    )


def _said(took: list[Took]) -> str:
    return f"{_wall(took)} / {millis(_cpu(took))}"


def _cpu(took: list[Took]) -> float:
    return median([one.cpu for one in took])


def _wall(took: list[Took]) -> str:
    return spread([one.wall for one in took])


def _promises(few: Past, many: Past) -> tuple[Promise, ...]:
    short, long = median([one.wall for one in few.record]), median([one.wall for one in many.record])
    status = median([one.wall for one in many.status])
    return (
        Promise(
            what="record an incident with 100,000 events in the log",
            promised="<= 10 ms, as with 10",
            measured=f"{long * 1000:.1f} ms, with 10: {short * 1000:.1f} ms",
            met=long <= 0.010 and long <= short * 1.5,
            because=f"{millis(_cpu(many.record))} of it are CPU; a bare sync of this disk took {_wall(many.sync)} then",
        ),
        Promise(
            what="`opsagent status`",
            promised="< 300 ms",
            measured=millis(status),
            met=status < 0.3,
            because=f"{millis(_cpu(many.status))} of it are CPU: the rest is waiting for a busy machine",
        ),
        Promise(
            what="start with 100,000 events in the log",
            promised="<= 1.5 s",
            measured=f"{many.start:.2f} s",
            met=many.start <= 1.5,
            because=f"with 10 events it takes {few.start:.2f} s: it is the making of the process, not the log",
        ),
    )
