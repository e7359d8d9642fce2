from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsagent.store import lock

RACER = """
import sys, pathlib
from opsagent.store import lock
sys.stdin.readline()
try:
    lock.take(pathlib.Path(sys.argv[1]))
except lock.LockedError as error:
    print("second", error.pid, flush=True)
else:
    print("first", flush=True)
    sys.stdin.readline()
"""


def start(directory: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", RACER, str(directory)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def say(process: subprocess.Popen[str]) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def test_of_twenty_racing_starts_exactly_one_gets_in(tmp_path: Path) -> None:
    racers = [start(tmp_path) for _ in range(20)]
    for racer in racers:
        say(racer)

    answers = [racer.stdout.readline().split()[0] for racer in racers]
    for racer in racers:
        racer.communicate()

    assert sorted(answers) == ["first"] + ["second"] * 19


def test_the_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    held = lock.take(tmp_path)

    with pytest.raises(lock.LockedError, match=f"process {os.getpid()} holds it") as caught:
        lock.take(tmp_path)

    assert caught.value.pid == os.getpid()
    held.release()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = start(tmp_path)
    say(holder)
    assert holder.stdout.readline() == "first\n"

    holder.kill()
    holder.communicate()

    lock.take(tmp_path).release()


def test_a_lock_whose_file_was_deleted_knows_that_it_guards_nothing(tmp_path: Path) -> None:
    held = lock.take(tmp_path)
    assert held.is_ours_still()

    held.path.unlink()

    assert not held.is_ours_still()
    held.release()


def test_a_file_that_is_replaced_between_open_and_lock_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lock.fcntl.flock
    replaced = []

    def replace_first(handle: int, how: int) -> None:
        if not replaced:
            (tmp_path / lock.NAME).unlink()
            replaced.append(handle)
        real(handle, how)

    monkeypatch.setattr(lock.fcntl, "flock", replace_first)

    held = lock.take(tmp_path)

    assert replaced
    assert held.is_ours_still()
    held.release()


def test_a_symlink_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / lock.NAME).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        lock.take(tmp_path)

    assert not (tmp_path / "elsewhere").exists()
