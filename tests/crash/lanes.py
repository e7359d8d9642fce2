"""The sweeps by name, each to be run in a process of its own: `python -m tests.crash.lanes kill`."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from opsagent import logs
from tests.crash import power, program, spooling, whole
from tests.crash.harness import Program, sweep

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("openat", "write", "pwrite64", "fdatasync", "fsync", "ftruncate", "fallocate")
"""The calls that a disk can refuse."""
NAMES = ("link", "linkat", "unlink", "unlinkat", "rename", "renameat", "mkdir", "mkdirat", "fchmod")
LOOKS = ("flock", "close", "lseek", "fcntl", "pread64", "read", "newfstatat", "fstat", "mmap", "munmap")
"""The calls that change nothing on the disk: dying in one is like dying in the next that does, so some are enough."""


def of(kind: type[program.Daemon], *, ends: frozenset[int] = frozenset({0})) -> Program:
    """Sweep this daemon; its next start is of the same kind."""
    return Program(
        prepare=program.prepare,
        run=partial(program.run, kind=kind),
        person=program.person_writes,
        check=partial(check, kind),
        ends=ends,
    )


def check(kind: type[program.Daemon], directory: Path, lines: list[str]) -> list[str]:
    """Start again after a crash, and compare with what was said before."""
    said = program.Said()
    for line in lines:
        said.hear(line)
    return program.recover(directory, said, kind)


def nobody(_directory: Path, _line: str) -> None:
    """Write nothing."""


GOOD_ENDS = frozenset({0, program.ENDS_IN_DOUBT, program.CANNOT_OPEN})
REAL = of(program.Daemon, ends=GOOD_ENDS)
CARELESS = of(program.CarelessDaemon, ends=GOOD_ENDS)
PUT = Program(spooling.prepare, spooling.put, nobody, spooling.check_put)
PUT_NAIVELY = Program(spooling.prepare, spooling.put_naively, nobody, spooling.check_put)
TAKE_IN = Program(spooling.prepare_full, spooling.take_in, nobody, spooling.check_taken)


def all_of(kind: type[whole.Host]) -> Program:
    """Sweep the whole write path."""
    run, check = partial(whole.run, kind=kind), partial(whole.check, kind=kind)
    return Program(whole.prepare, run, whole.person_writes, check, ends=GOOD_ENDS)


WHOLE = all_of(whole.Host)

LANES = {
    "kill": partial(sweep, REAL, (*FILES, *NAMES), "signal=SIGKILL:when={}", only_files=False),
    "kill-looking": partial(sweep, REAL, LOOKS, "signal=SIGKILL:when={}", only_files=False, step=7),
    "enospc": partial(sweep, REAL, FILES, "error=ENOSPC:when={}", only_files=True, step=2),
    "enospc-for-ever": partial(sweep, REAL, FILES, "error=ENOSPC:when={}+", only_files=True, step=3),
    "eio": partial(sweep, REAL, FILES, "error=EIO:when={}", only_files=True, step=3),
    "eio-for-ever": partial(sweep, REAL, FILES, "error=EIO:when={}+", only_files=True, step=4),
    "erofs-for-ever": partial(sweep, REAL, FILES, "error=EROFS:when={}+", only_files=True, step=4),
    "naive": partial(sweep, of(program.NaiveDaemon), ("pwrite64",), "signal=SIGKILL:when={}", only_files=False, step=3),
    "careless": partial(sweep, CARELESS, ("pwrite64",), "error=ENOSPC:when={}+", only_files=True, step=9),
    "spool-put": partial(sweep, PUT, (*FILES, *NAMES), "signal=SIGKILL:when={}", only_files=False),
    "spool-take-in": partial(sweep, TAKE_IN, (*FILES, *NAMES), "signal=SIGKILL:when={}", only_files=False, step=2),
    "whole-kill": partial(sweep, WHOLE, (*FILES, *NAMES), "signal=SIGKILL:when={}", only_files=False, step=17),
    "whole-enospc-for-ever": partial(sweep, WHOLE, FILES, "error=ENOSPC:when={}+", only_files=True, step=29),
    "whole-eio": partial(sweep, WHOLE, FILES, "error=EIO:when={}", only_files=True, step=29),
    "whole-careless": partial(
        sweep, all_of(whole.CarelessHost), ("write",), "signal=SIGKILL:when={}", only_files=False, step=3
    ),
    "blind": partial(sweep, REAL, ("mq_open",), "signal=SIGKILL:when={}", only_files=False),
}


POWER = {
    "power": REAL,
    "power-hasty": of(program.HastyDaemon),
    "power-spool": PUT,
    "power-spool-naive": PUT_NAIVELY,
    "power-take-in": TAKE_IN,
    "power-whole": WHOLE,
}
STEPS = {"power-whole": 13, "power-hasty": 5}
"""Of a long run, and where one state shows the fault, some states of the disk are enough."""


def main(name: str) -> str:
    """Run one lane; return what it found as JSON."""
    logs.configure()  # what the rooms say goes to stderr
    if name in LANES:
        return LANES[name]().as_json()
    tried, wrong = power.replay(POWER[name], STEPS.get(name, 1))
    return json.dumps({"tried": tried, "violations": wrong})


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1]) + os.linesep)
