"""What the daemon costs a host that it watches: memory, and its share of one core."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench import endpoints, features, monit
from bench.report import Promise, Result, progress
from tests.host.harness import Host

PORTS = range(9000, 9030)
URLS = 40
UNITS = 20
WARM = 75  # seconds: the first heartbeat and a fast loop are over, as they are all but once in a daemon's life
TICKS = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process cost over a span: resident bytes at its end, CPU seconds (its children's too), threads."""

    rss: int
    cpu: float
    threads: int
    seconds: float

    @property
    def share(self) -> float:
        """Percent of one core."""
        return 100 * self.cpu / self.seconds


def checks() -> str:
    """Return 100 checks as a host of some size has them; nothing is armed, as nothing is by default."""
    lines = [f"- {{name: url-{n}, kind: http, url: 'http://127.0.1.{n}:9000/health'}}" for n in range(1, URLS + 1)]
    lines += [f"- {{name: tcp-{port}, kind: tcp, host: 127.0.0.1, port: {port}}}" for port in PORTS[:20]]
    lines += [f"- {{name: listen-{port}, kind: listen, port: {port}}}" for port in PORTS[20:]]
    lines += [f"- {{name: unit-{n}, kind: unit, unit: idle-{n}.service}}" for n in range(UNITS)]
    lines += [f"- {{name: disk-{n}, kind: disk, path: {path}}}" for n, path in enumerate(("/", "/var", "/etc", "/usr"))]
    lines += [f"- {{name: file-{n}, kind: file, path: {path}}}" for n, path in enumerate(("/etc/passwd", "/etc/hosts"))]
    kinds = ("memory", "cpu", "load", "units")
    return "\n".join([*lines, *(f"- {{name: {kind}, kind: {kind}}}" for kind in kinds)])


def monit_checks() -> str:
    """Return the same for monit, as near as it comes."""
    lines = []
    for n in range(1, URLS + 1):
        lines.append(f"check host url-{n} with address 127.0.1.{n}")
        lines.append('  if failed port 9000 protocol http request "/health" with timeout 3 seconds then alert')
    for port in PORTS:
        lines += [f"check host tcp-{port} with address 127.0.0.1", f"  if failed port {port} then alert"]
    lines += [f'check process unit-{n} matching "idle-{n}-of-the-bench"' for n in range(UNITS)]
    for n, path in enumerate(("/", "/var", "/etc", "/usr")):
        lines += [f"check filesystem disk-{n} with path {path}", "  if space usage > 90% then alert"]
    lines += [f"check file file-{n} with path {path}" for n, path in enumerate(("/etc/passwd", "/etc/hosts"))]
    limits = ("memory usage > 90%", "cpu usage > 95%", "loadavg (5min) > 100")
    return "\n".join([*lines, "check system bench", *(f"  if {limit} then alert" for limit in limits)]) + "\n"


def furnish(host: Host) -> None:
    """Put on the host what is watched."""
    host.write("/opt/bench/endpoints.py", Path(endpoints.__file__).read_text(encoding="utf-8"))
    ports = " ".join(str(port) for port in PORTS[1:])
    argv = f"/usr/bin/python3 /opt/bench/endpoints.py 9000 1 {ports}"
    host.unit("endpoints.service", f"[Service]\nExecStart={argv}\n")
    idle = "[Service]\nExecStart=/bin/sh -c 'exec -a idle-{}-of-the-bench sleep infinity'\n"
    for number in range(UNITS):
        host.write(f"/etc/systemd/system/idle-{number}.service", idle.format(number).replace("/bin/sh", "/bin/bash"))
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "endpoints.service", *(f"idle-{n}.service" for n in range(UNITS))])


def costs(host: Host, pids: list[str], seconds: float, what: str) -> list[Cost]:
    """Look on for so long; return what each process cost."""
    before, began = [_cpu(host, pid) for pid in pids], time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        progress(f"footprint: {what}, {left:.0f} s")
        time.sleep(min(left, 5))
    return [_cost(host, pid, then, time.monotonic() - began) for pid, then in zip(pids, before, strict=True)]


def _cost(host: Host, pid: str, before: float, seconds: float) -> Cost:
    status = dict(line.split(":", 1) for line in host.read(f"/proc/{pid}/status").splitlines() if ":" in line)
    return Cost(
        rss=int(status["VmRSS"].split()[0]) * 1024,
        cpu=_cpu(host, pid) - before,
        threads=int(status["Threads"]),
        seconds=seconds,
    )


def _cpu(host: Host, pid: str) -> float:
    cells = host.read(f"/proc/{pid}/stat").rpartition(") ")[2].split()
    return sum(int(cell) for cell in cells[11:15]) / TICKS


def run(seconds: int) -> Result:
    """Measure the installed daemon, and monit beside it on the same host."""
    progress("footprint: a host with opsagent installed is booted")
    host = Host.up("bench", installed=True)
    try:
        furnish(host)
        pids = [_ours(host, checks()), *([_theirs(host)] if monit.program() else [])]
        costs(host, pids, WARM, "the daemons warm up")
        ours, *others = costs(host, pids, seconds, "looking on")
        bad = [line for line in host.run(["opsagent", "status"]).stdout.splitlines() if " critical " in line]
        if bad:
            raise RuntimeError(f"not every check was good: {bad[0]}")
    finally:
        host.down()
    everything = _with_everything(seconds)
    theirs = others[0] if others else None
    rows = [_row("opsagent", ours), _row("opsagent, every feature on", everything)]
    if theirs is not None:
        rows.append(_row("Monit, cycle 60 s", theirs))
        ratio = f"{ours.cpu / ours.seconds / max(theirs.cpu / theirs.seconds, 1e-6):.1f} times"
        rows.append(("ratio", f"{ours.rss / theirs.rss:.1f} times", ratio, "-"))
    return Result(
        name="Footprint with 100 checks",
        how=(
            f"The installed daemon under its unit file in a booted host, observed for {seconds} s after the first "
            f"{WARM} s: {URLS} http, 20 tcp, 10 listen, {UNITS} unit, 4 disk, 2 file, memory, cpu, load, units; fast "
            "loop 60 s, nothing armed. CPU is that of the process and its children. Monit had the same checks, as "
            "near as it comes (units by the process's command line), on the same host at the same time. "
            "Every feature: the HTTP door, the textfile, two backups, watched files, a review, and in the place of "
            "nine http checks two jobs, two of logs, a login, a network, two gauges (one each 10 s) and a backup, on "
            "a host of its own."
        ),
        head=("", "resident", "share of one core", "threads"),
        rows=tuple(rows),
        promises=(*_promises(ours, "100 checks"), *_promises(everything, "100 checks and every feature on")),
    )


def _with_everything(seconds: int) -> Cost:
    """Measure it with every feature on, in the place of some of the plain checks."""
    host = Host.up("bench-all", installed=True)
    try:
        furnish(host)
        features.furnish(host)
        plain = checks().splitlines()[features.CHECKS.count("name:") :]
        pid = _ours(host, features.CHECKS + "\n".join(plain), features.SETTINGS)
        features.begin(host)
        costs(host, [pid], WARM, "with every feature on, the daemon warms up")
        (found,) = costs(host, [pid], seconds, "with every feature on, looking on")
        return found
    finally:
        host.down()


def _ours(host: Host, checks: str, more: str = "") -> str:
    host.write("/etc/opsagent/opsagent.yaml", f"host: bench\n{more}\nchecks:\n{checks}\n", 0o644)
    host.run(["opsagent", "install", "--refresh"])
    host.run(["systemctl", "daemon-reload"])
    host.run(["systemctl", "start", "opsagent.service"])
    return host.show("opsagent.service", "MainPID")


def _theirs(host: Host) -> str:
    host.write("/opt/bench/monitrc", monit.CONFIG.format(folder="/opt/bench", cycle=60) + monit_checks(), 0o600)
    host.unit("peer.service", f"[Service]\nExecStart={monit.program()} -I -c /opt/bench/monitrc\n")
    host.run(["systemctl", "start", "peer.service"])
    return host.show("peer.service", "MainPID")


def _row(name: str, found: Cost) -> tuple[str, ...]:
    return (name, f"{found.rss / MEBIBYTE:.1f} MiB", f"{found.share:.2f} %", str(found.threads))


def _promises(ours: Cost, what: str) -> tuple[Promise, ...]:
    return (
        Promise(
            what=f"resident memory with {what}",
            promised="<= 60 MB",
            measured=f"{ours.rss / MEBIBYTE:.1f} MiB",
            met=ours.rss <= 60e6,
            because="of threads, modules and what 100 checks keep, see the table",
        ),
        Promise(
            what=f"CPU with {what}, fast loop 60 s",
            promised="<= 0.3 % of one core",
            measured=f"{ours.share:.2f} %",
            met=ours.share <= 0.3,
            because="of threads, modules and what 100 checks keep, see the table",
        ),
    )
