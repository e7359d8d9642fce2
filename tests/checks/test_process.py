"""The process check, against real processes of this test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from opsagent.checks import observe
from opsagent.checks.process import Check
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def marked() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Two sleeping processes that share a mark on their command line."""
    mark = uuid.uuid4().hex
    argv = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", mark]
    running = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for one in running:
        one.stdout.readline()
    yield mark, running
    for one in running:
        one.communicate()


@pytest.mark.parametrize(
    ("options", "failure_class"),
    [
        ({}, None),
        ({"min": 2, "max": 2}, None),
        ({"min": 3}, "absent"),
        ({"max": 1}, "high"),
        ({"process": "no-such-name"}, "absent"),
        ({"user": "no-such-user"}, "absent"),
    ],
)
def test_processes_are_counted(marked: Any, options: dict[str, Any], failure_class: str | None) -> None:
    mark, running = marked

    reading = observe(Check(cmdline=mark, **options))

    assert reading.failure_class == failure_class
    if not options:
        assert reading.message == f"2 of command line '{mark}' (pid {', '.join(sorted(str(p.pid) for p in running))})"


def test_name_and_user_are_matched_too(marked: Any) -> None:
    mark, running = marked
    one = psutil.Process(running[0].pid)

    assert observe(Check(cmdline=mark, process=one.name(), user=one.username(), min=2)).status is Status.OK


def test_a_zombie_does_not_count() -> None:
    name = f"undead-{os.getpid()}"[:15]  # nobody else's: other programs of ours come and go meanwhile
    pid = os.fork()
    if pid == 0:
        Path("/proc/self/comm").write_text(name)
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

        reading = observe(Check(process=name))
    finally:
        os.waitpid(pid, 0)

    assert (reading.status, reading.failure_class) == (Status.CRITICAL, "dead")
    assert "that ended and nobody collected" in reading.message


def test_a_check_that_matches_everything_is_refused_in_the_settings() -> None:
    with pytest.raises(ValueError, match="at least one of: process, cmdline, user"):
        Check()


@pytest.mark.parametrize("name", ["long-program-name", "long-program-na"])
def test_a_long_name_is_known_whole_and_as_the_kernel_cuts_it(tmp_path: Path, name: str) -> None:
    program = tmp_path / "long-program-name"
    shutil.copy("/usr/bin/sleep", program)

    with subprocess.Popen([program, "60"]) as running:
        reading = observe(Check(process=name, cmdline=str(program)))
        running.kill()

    assert reading.status is Status.OK


@pytest.mark.parametrize("options", [{"min": -1}, {"min": 3, "max": 2}])
def test_a_number_that_can_never_be_is_refused_in_the_settings(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^cannot expect"):
        Check(process="redis-server", **options)
