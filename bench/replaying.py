"""What it costs to try other settings on a recorded month: 100 checks, quiet, and with 600 spells of trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import month
from bench.report import Promise, Result, progress

SPELLS = 600
COPIES = (
    "What would differ: the tales were played with an empty memory and are told again as they were. By the second time "
    "a restart is known to be in vain, is not ordered, and people are told at once."
)
WITHIN = 60.0  # seconds, as promised
MONTH = month.DAYS * 86400
PROGRAM = (sys.executable, "-c", "from opsagent.interfaces.cli import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One replay: wall and CPU seconds, the most memory it had in MiB, incidents, and how many would differ."""

    wall: float
    cpu: float
    resident: float
    incidents: int
    different: int


def measured(spells: int) -> Run:
    """Make a month and replay it with the settings that were in force."""
    with tempfile.TemporaryDirectory(prefix="opsagent-bench-") as folder:
        progress(f"replay: a month with {spells} spells of trouble is made")
        path = month.fill(Path(folder), spells, datetime.now(UTC))
        progress(f"replay: a month with {spells} spells of trouble")
        begin = time.perf_counter()
        argv = [*PROGRAM, "replay", "--settings", str(path), "--config", str(path), "--since", "30d", "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
            assert running.stdout is not None
            found = json.loads(running.stdout.read())
            usage = os.wait4(running.pid, 0)[2]
            running.returncode = 0
        return Run(
            wall=time.perf_counter() - begin,
            cpu=usage.ru_utime + usage.ru_stime,
            resident=usage.ru_maxrss / 1024,
            incidents=found["before"]["incidents"],
            different=len(found["differences"]),
        )


def run() -> Result:
    """Measure a quiet month and a troubled one."""
    runs = {"quiet": measured(0), f"{SPELLS} spells": measured(SPELLS)}
    most = max(runs.values(), key=lambda one: one.wall)
    return Result(
        name="Other settings tried on a month",
        how=(
            f"{month.CHECKS} http checks looked at every minute for {month.DAYS} days (4.3 million looks), each armed; "
            "the log and the samples as the daemon writes them. A spell is a service that is killed and healed, or one "
            "that answers 500 for 15 minutes, is restarted in vain and paged, played by the real core and told again "
            "at other times of other services. `opsagent replay --since 30d --json` with the settings in force, the "
            "whole process. No peer can do this, so the ratio is to real time."
        ),
        notes=(COPIES,),
        head=("the month", "incidents", "would differ", "wall", "CPU", "at most resident", "faster than real time"),
        rows=tuple(_row(name, one) for name, one in runs.items()),
        promises=(
            Promise(
                what="30 days of 100 checks tried with other settings",
                promised=f"< {WITHIN:.0f} s",
                measured=f"{most.wall:.1f} s, {most.cpu:.1f} s of them CPU",
                met=most.wall < WITHIN,
                because="the machine did other work",
            ),
        ),
    )


def _row(name: str, one: Run) -> tuple[str, ...]:
    return (
        name,
        str(one.incidents),
        str(one.different),
        f"{one.wall:.1f} s",
        f"{one.cpu:.1f} s",
        f"{one.resident:.0f} MiB",
        f"{MONTH / one.wall:,.0f} times",
    )
