"""How long from a service's death, or its silence, to the record, the order, and its first good answer."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import monit, witness
from bench.report import Promise, Result, median, millis, p95, progress, spread
from tests.host.harness import Host
from tests.host.scenarios.stage import Stage, furnish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOSTS = 4
PORT = 18300
# An overloaded host's time-outs rightly count for nothing; that is not what is measured here.
CALM = "[Service]\n" + "".join(
    f"BindReadOnlyPaths=-/opt/scenario/calm:/proc/pressure/{resource}\n" for resource in ("cpu", "io", "memory")
)
DEFAULT_CYCLE = 120  # seconds, of Debian's monitrc


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One time that a service was broken: seconds from then to each thing. What nobody records is None."""

    started: float
    healthy: float
    recorded: float | None = None
    ordered: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Who was watched doing what, how often."""

    who: str
    what: str
    found: list[Broken]


def witnessed(host: Host, unit: str, port: int, name: str, pause: float = 0.005) -> dict[str, float]:
    """Break a service and return when it was broken, started and healthy again."""
    argv = ["/usr/bin/python3", "/opt/bench/witness.py", unit, str(port), name, str(pause)]
    return dict(json.loads(host.run(argv, timeout=witness.LONGEST + 20).stdout))


def ours(stage: Stage, unit: str, name: str) -> Broken:
    """Break the service while opsagent watches it, with default settings and nothing in its memory."""
    url = f"http://127.0.0.1:{PORT}/health"
    stage.begin(f"- {{name: api, kind: http, url: '{url}', unit: {unit}, repair: [restart]}}")
    stage.until(lambda: stage.status("api")["status"] == "ok", what="a good look")
    time.sleep(random.uniform(0, 10) if name == "STOP" else 0)  # anywhere between two looks
    seen = witnessed(stage.host, unit, PORT, f"SIG{name}")
    incident = stage.incident("api", lambda one: one["actions"])
    return Broken(
        started=seen["started"] - seen["broken"],
        healthy=seen["healthy"] - seen["broken"],
        recorded=_stamp(incident["detected_at"]) - seen["broken"],
        ordered=_stamp(incident["actions"][0]["at"]) - seen["broken"],
    )


def _stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def theirs(host: Host, unit: str, port: int, name: str, pause: float = 0.005) -> Broken:
    """Break the service while monit watches it."""
    seen = witnessed(host, unit, port, f"SIG{name}", pause)
    return Broken(started=seen["started"] - seen["broken"], healthy=seen["healthy"] - seen["broken"])


def peer(host: Host, services: dict[str, int], cycle: int) -> None:
    """Start monit over these services: dead is restarted at once, silent after three cycles, as our default is."""
    checks = ""
    for unit, port in services.items():
        name = unit.removesuffix(".service")
        checks += (
            f'check process {name} matching "api.py {port} "\n'
            f'  start program = "/usr/bin/systemctl restart {unit}"\n'
            f'  restart program = "/usr/bin/systemctl restart {unit}"\n'
            f'  if failed port {port} protocol http request "/health" with timeout 3 seconds for 3 cycles'
            " then restart\n"
        )
    host.write("/opt/bench/monitrc", monit.CONFIG.format(folder="/opt/bench", cycle=cycle) + checks, 0o600)
    host.unit("peer.service", f"[Service]\nExecStart={monit.program()} -I -c /opt/bench/monitrc\n")
    host.run(["systemctl", "restart", "peer.service"])
    time.sleep(3)  # it has looked once


def _booted(name: str) -> Stage:
    host = Host.up(name, installed=True)
    furnish(host)
    host.write("/etc/systemd/system/opsagent.service.d/calm.conf", CALM)
    host.write("/opt/bench/witness.py", Path(witness.__file__).read_text(encoding="utf-8"))
    return Stage(host)


def _all(stages: list[Stage], times: int, one: Callable[[Stage], Broken], what: str) -> list[Broken]:
    """Do it so often, on all hosts at once."""
    done: list[Broken] = []

    def some(place: int) -> None:
        for _ in range(place, times, len(stages)):
            done.append(one(stages[place]))
            progress(f"detect: {what}, {len(done)} of {times}")

    with ThreadPoolExecutor(len(stages)) as pool:
        list(pool.map(some, range(len(stages))))
    return done


def run(times: int) -> Result:
    """Break services: first under opsagent, then under monit; monit's slow default goes on beside both."""
    progress("detect: hosts are booted")
    stages = [_booted(f"bench-{n}") for n in range(HOSTS)]
    try:
        series = list(_series(stages, times))
    finally:
        for stage in stages:
            stage.host.down()
    return Result(
        name="From the failure to the repair",
        how=(
            f"A web service in a booted host is killed, or stopped so that its port is open and silent, {times} times "
            "each. opsagent with default settings (but for the wait before a second attempt, to which it never came), "
            "armed, its memory empty each time; the kernel's pressure figures are hidden from it, for on a machine so "
            "busy with other work it would rightly not count time-outs. Silence begins anywhere between two looks. A "
            "witness on the host breaks the service and asks it again and again; the time at which the "
            "new process was started is systemd's own. Kills are one after the other, the rest on "
            f"{HOSTS} hosts at once. Monit watches a copy of its own: dead is restarted at once, silent after three "
            f"cycles. Its default cycle of {DEFAULT_CYCLE} s is tried with kills only, for silence it would take more "
            "than four minutes each time. Median / 95th percentile, from the moment of the break."
        ),
        head=("who", "failure", "recorded", "ordered", "new process", "first good answer"),
        rows=tuple(_row(one) for one in series),
        promises=_promises(series),
        notes=(
            "Recorded and ordered are stamped when the turn began that decided it; the commit comes before the order.",
        ),
    )


def _series(stages: list[Stage], times: int) -> Iterator[Series]:
    units = [stage.api("api", PORT) for stage in stages]
    unit = units[0]
    first = stages[:1]
    with ThreadPoolExecutor(1) as beside:
        slow = beside.submit(_slow, stages[-1], times) if monit.program() else None
        yield Series(who="opsagent", what="kill -9", found=_all(first, times, lambda s: ours(s, unit, "KILL"), "kills"))
        silent = _all(stages, times, lambda s: ours(s, unit, "STOP"), "silences")
        yield Series(who="opsagent", what="silent", found=silent)
        for stage in stages:
            stage.host.run(["systemctl", "stop", "opsagent.service"])
        if slow is None:
            return
        progress("detect: monit at its default cycle")
        found = slow.result()
    for stage in stages:
        peer(stage.host, {unit: PORT}, 1)
    kills = _all(first, times, lambda s: theirs(s.host, unit, PORT, "KILL"), "monit, kills")
    yield Series(who="Monit, cycle 1 s", what="kill -9", found=kills)
    silent = _all(stages, times, lambda s: theirs(s.host, unit, PORT, "STOP"), "monit, silences")
    yield Series(who="Monit, cycle 1 s", what="silent", found=silent)
    yield Series(who=f"Monit, cycle {DEFAULT_CYCLE} s", what="kill -9", found=found)


def _slow(stage: Stage, times: int) -> list[Broken]:
    """Kill as many copies of the service, each at its own moment of the long cycle."""
    services = {stage.api(f"copy-{n}", PORT + 1 + n): PORT + 1 + n for n in range(times)}
    peer(stage.host, services, DEFAULT_CYCLE)

    def one(unit: str) -> Broken:
        time.sleep(random.uniform(0, DEFAULT_CYCLE))
        return theirs(stage.host, unit, services[unit], "KILL", 0.1)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, services))


def _row(series: Series) -> tuple[str, ...]:
    def column(name: str) -> str:
        values = [value for one in series.found if (value := getattr(one, name)) is not None]
        return spread(values) if values else "-"

    return (series.who, series.what, *(column(name) for name in ("recorded", "ordered", "started", "healthy")))


def _promises(series: list[Series]) -> tuple[Promise, ...]:
    dead, silent = (one.found for one in series[:2])
    ordered = [one.ordered or 0.0 for one in dead]
    after_start = [one.healthy - one.started for one in dead]
    started = [one.started for one in dead]
    waited = [one.ordered or 0.0 for one in silent]
    return (
        Promise(
            what="unit failure → incident on disk and repair ordered (event path)",
            promised="< 250 ms; aim 50 ms",
            measured=f"{spread(ordered)} (median / p95)",
            met=p95(ordered) < 0.25,
            because="see the table",
        ),
        Promise(
            what="kill -9 → first good look",
            promised="the service's own start time + 0.3 s",
            measured=f"own start {millis(median(after_start))}, + {spread(started)}",
            met=p95(started) < 0.3,
            because="see the table",
        ),
        Promise(
            what="silent service → repair ordered, armed http check with defaults",
            promised="<= 30 s, always",
            measured=f"{spread(waited)}, at worst {millis(max(waited))}",
            met=max(waited) <= 30,
            because="see the table",
        ),
    )
