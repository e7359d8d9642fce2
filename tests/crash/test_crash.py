"""Killed at any call, its disk failing at any call, its power cut at any moment: nothing that was promised is lost.

Every lane has a floor: one that injected nothing, or less than the program does, has proved nothing and fails. And
every kind of lane must catch a program that is wrong in the way one would first write it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_ONCE = 2
"""The lanes wait for strace more than they compute."""
IN_MEMORY = Path("/dev/shm")
"""Where the lanes keep their files: a kill leaves the same there, and no sync is waited for."""
KILLS = {"openat": 6, "write": 12, "pwrite64": 120, "fdatasync": 16, "fsync": 3, "linkat": 1, "unlinkat": 2}
LOOKS = {"flock": 1, "close": 8, "fcntl": 12, "pread64": 4, "newfstatat": 6}
ERRORS = {"openat": 7, "write": 2, "pwrite64": 36, "fdatasync": 6, "fsync": 1, "ftruncate": 1, "fallocate": 1}
FLOORS = {
    "kill": KILLS,
    "kill-looking": LOOKS,
    "enospc": ERRORS,
    "enospc-for-ever": ERRORS,
    "eio": ERRORS,
    "eio-for-ever": ERRORS,
    "erofs-for-ever": {"openat": 5, "write": 2, "pwrite64": 30, "fdatasync": 5},
    "spool-put": {"openat": 3, "write": 3, "fsync": 6, "renameat": 3},
    "spool-take-in": {"openat": 5, "pwrite64": 30, "fdatasync": 4, "unlink": 2},
    "whole-kill": {"openat": 12, "write": 2, "pwrite64": 18, "fdatasync": 2, "renameat": 1, "linkat": 1},
    "whole-enospc-for-ever": {"openat": 3, "write": 1, "pwrite64": 8, "fdatasync": 1},
    "whole-eio": {"openat": 3, "write": 1, "pwrite64": 8, "fdatasync": 1},
}
STATES = {"power": 300, "power-spool": 12, "power-take-in": 120, "power-whole": 60}


@dataclass
class Lanes:
    """All lanes, two at a time, in processes of their own; a test waits for its own lane only."""

    running: dict[str, Future[dict[str, Any]]]

    def __call__(self, name: str) -> dict[str, Any]:
        return self.running[name].result()


@pytest.fixture(scope="module")
def lane() -> Iterator[Callable[[str], dict[str, Any]]]:
    names = (*FLOORS, *STATES, "naive", "careless", "whole-careless", "blind", "power-hasty", "power-spool-naive")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield Lanes({name: pool.submit(run, name) for name in names})


def run(name: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "tests.crash.lanes", name]
    where = {**os.environ, "TMPDIR": str(IN_MEMORY)} if os.access(IN_MEMORY, os.W_OK) else None
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], env=where)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", FLOORS)
def test_no_injection_at_any_call_breaks_a_promise(lane: Callable[[str], dict[str, Any]], name: str) -> None:
    found = lane(name)

    assert found["violations"] == []
    short = {
        call: found["hits"].get(call, 0) for call, floor in FLOORS[name].items() if found["hits"].get(call, 0) < floor
    }
    assert short == {}, "these calls were hit less often than the program makes them"


@pytest.mark.parametrize("name", STATES)
def test_no_power_cut_breaks_a_promise(lane: Callable[[str], dict[str, Any]], name: str) -> None:
    found = lane(name)

    assert found["violations"] == []
    assert found["tried"] >= STATES[name]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("naive", "times in the Markdown"),
        ("careless", "acknowledged and lost"),
        ("whole-careless", "a person's line stands 0 times"),
        ("power-hasty", "acknowledged and lost"),
        ("power-spool-naive", "put and lost"),
    ],
)
def test_a_program_that_is_wrong_is_caught(lane: Callable[[str], dict[str, Any]], name: str, fault: str) -> None:
    assert [what for what in lane(name)["violations"] if fault in what]


def test_a_sweep_that_injects_nothing_has_no_hits_to_show(lane: Callable[[str], dict[str, Any]]) -> None:
    assert lane("blind") == {"hits": {}, "violations": []}
