"""How long a sweep of 1,000 health endpoints takes."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench import endpoints, monit
from bench.report import Promise, Result, median, millis, progress
from opsagent.checks.http import Check
from opsagent.core.observation import Source, Status
from opsagent.core.policy import CheckPolicy
from opsagent.daemon.lookout import Lookout
from opsagent.settings import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.inbox import Looked

MANY = 1000
FOR_MONIT = 200
THREADS = 128  # as the daemon takes for so many checks
ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One sweep: wall and CPU seconds, and how many endpoints answered as they should."""

    wall: float
    cpu: float
    good: int


def address(number: int) -> str:
    return f"127.1.{number // 250}.{number % 250 + 1}"


@contextmanager
def serving(delay: int) -> Iterator[int]:
    """Run the endpoints beside us, in a process of their own; yield their port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, endpoints.__file__, str(port), str(delay)])
    try:
        _wait_for(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nobody answers on port {port}")


def ours(port: int, many: int = MANY) -> Swept:
    """Look at so many endpoints once, as a heartbeat does."""
    seen: queue.SimpleQueue[Looked] = queue.SimpleQueue()
    lookout = Lookout(seen.put, lambda: datetime.now(UTC), 8, lambda _: None)
    lookout.watch({f"c{n}": _watched(n, port) for n in range(many)}, THREADS)
    wall, cpu = time.monotonic(), time.process_time()
    for number in range(many):
        lookout.look(f"c{number}", Source.HEARTBEAT)
    good = sum(seen.get(timeout=60).seen.reading.status is Status.OK for _ in range(many))
    return Swept(wall=time.monotonic() - wall, cpu=time.process_time() - cpu, good=good)


def _watched(number: int, port: int) -> Watched:
    policy = CheckPolicy(name=f"c{number}", kind="http", timeout=timedelta(seconds=3))
    return Watched(policy=policy, check=Check(url=f"http://{address(number)}:{port}/health"))


def theirs(port: int) -> float:
    """Return monit's seconds for `FOR_MONIT` endpoints, reckoned for all: it goes one after the other."""
    checks = "\n".join(
        f'check host c{n} with address {address(n)}\n  if failed port {port} protocol http request "/health"'
        " with timeout 3 seconds then alert"
        for n in range(FOR_MONIT)
    )
    with tempfile.TemporaryDirectory() as folder:
        return monit.swept(Path(folder), checks) * MANY / FOR_MONIT


def run() -> Result:
    """Measure both speeds of the endpoints."""
    rows: list[tuple[str, ...]] = []
    promise = ()
    for delay in (50, 0):
        with serving(delay) as port:
            found = []
            for number in range(ROUNDS):
                progress(f"sweep: endpoints that answer after {delay} ms, {number + 1} of {ROUNDS}")
                found.append(ours(port))
            progress(f"sweep: monit, {FOR_MONIT} endpoints")
            peer = theirs(port) if monit.program() else 0.0
        if any(one.good != MANY for one in found):
            raise RuntimeError(f"not every endpoint was seen to be good: {found}")
        wall, cpu = median([one.wall for one in found]), median([one.cpu for one in found])
        best = min(one.wall for one in found)
        rows.append(
            (
                f"{delay} ms",
                f"{wall:.2f} s (best {best:.2f} s)",
                f"{cpu:.2f} s",
                f"{peer:.1f} s" if peer else "-",
                f"{peer / wall:.1f} times" if peer else "-",
            )
        )
        if delay:
            promise = (_promise(wall, cpu),)
    return Result(
        name="Sweep of 1,000 health endpoints",
        how=(
            f"{MANY:,} HTTP endpoints on {MANY:,} addresses of a server in a process of its own, looked at by the "
            f"daemon's own lookout ({THREADS} threads), the median of {ROUNDS} sweeps. Monit's `validate` had "
            f"{FOR_MONIT} of the same endpoints, one after the other; its time is reckoned for {MANY:,}."
        ),
        head=("answer after", "wall", "CPU of ours", "Monit", "ratio"),
        rows=tuple(rows),
        promises=promise,
    )


def _promise(wall: float, cpu: float) -> Promise:
    met = wall <= 1.0
    because = (
        "" if met else f"{cpu:.2f} s of it are CPU of one core, shared with the server and whatever else runs here"
    )
    return Promise(
        what="sweep of 1,000 health endpoints at 50 ms each",
        promised="<= 1.0 s wall",
        measured=millis(wall),
        met=met,
        because=because,
    )
