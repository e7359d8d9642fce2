"""Programs that misbehave are ended on time, whole, and cheaply."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from opsagent.host import process

SECOND = timedelta(seconds=1)
SHORT = timedelta(milliseconds=200)


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not alive(pid)


def test_exit_code_output_and_errors_are_returned() -> None:
    finished = process.run(shell("echo out; echo err >&2; exit 3"), timeout=SECOND)

    assert (finished.code, finished.output, finished.errors) == (3, b"out\n", b"err\n")
    assert (finished.timed_out, finished.signal) == (False, None)


def test_a_death_by_signal_is_named_and_has_no_code() -> None:
    finished = process.run(shell("kill -SEGV $$"), timeout=SECOND)

    assert (finished.code, finished.signal, finished.timed_out) == (None, 11, False)


def test_stdin_reaches_the_program_however_much_it_is() -> None:
    text = b"x" * 300_000

    finished = process.run(("/usr/bin/wc", "-c"), timeout=SECOND, stdin=text)

    assert finished.output.strip() == b"300000"


def test_a_program_that_never_reads_its_stdin_is_no_error() -> None:
    finished = process.run(("/bin/true",), timeout=SECOND, stdin=b"x" * 1_000_000)

    assert finished.code == 0


def test_without_stdin_a_reader_sees_its_end_at_once() -> None:
    finished = process.run(("/bin/cat",), timeout=SECOND)

    assert (finished.code, finished.output) == (0, b"")


def test_a_program_deaf_to_term_is_killed() -> None:
    finished = process.run(shell("trap '' TERM; while :; do sleep 5; done"), timeout=SHORT)

    assert (finished.timed_out, finished.signal) == (True, 9)
    assert finished.seconds < 1.2


def test_a_program_that_heeds_term_ends_by_it() -> None:
    finished = process.run(("/bin/sleep", "30"), timeout=SHORT)

    assert (finished.timed_out, finished.signal) == (True, 15)
    assert finished.seconds < 0.6


def test_a_grandchild_on_the_pipe_neither_blocks_nor_survives() -> None:
    finished = process.run(shell("sleep 30 & echo $!"), timeout=timedelta(seconds=10))

    assert finished.code == 0
    assert finished.seconds < 1
    assert gone_within(int(finished.output), 2)


def test_at_the_deadline_the_children_of_the_child_die_too() -> None:
    finished = process.run(shell("trap '' TERM; sleep 30 & echo $!; wait; wait"), timeout=SHORT)

    assert finished.timed_out
    assert gone_within(int(finished.output), 2)


def test_a_grandchild_in_its_own_session_does_not_hold_us_up() -> None:
    finished = process.run(shell("setsid sleep 3 & echo done"), timeout=timedelta(seconds=10))

    assert finished.output == b"done\n"
    assert finished.seconds < 1


def test_endless_output_is_kept_to_the_limit_and_ended_at_the_deadline() -> None:
    finished = process.run(("/usr/bin/yes",), timeout=SHORT, keep=1000)

    assert finished.timed_out
    assert len(finished.output) == 1000


def test_the_last_words_are_read_though_the_program_is_gone() -> None:
    finished = process.run(shell("printf '%060000d' 7"), timeout=SECOND)

    assert len(finished.output) == 60_000


def test_nothing_of_our_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    finished = process.run(("/usr/bin/env",), timeout=SECOND)

    names = {line.split("=")[0] for line in finished.output.decode().splitlines()}
    assert names == {"PATH", "LANG"}


def test_the_program_starts_in_the_root_directory_and_in_a_session_of_its_own() -> None:
    finished = process.run(shell("pwd; ps -o sid= -p $$; echo $$"), timeout=SECOND)

    where, session, pid = finished.output.split()
    assert (where, session) == (b"/", pid)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "cannot run an empty command"),
        (("/no/such/program",), "cannot run '/no/such/program': No such file or directory"),
        (("/etc",), "cannot run '/etc': Permission denied"),
        (("/bin/echo", "a\0b"), "cannot run '/bin/echo': embedded null byte"),
    ],
)
def test_what_cannot_be_started_is_named(argv: tuple[str, ...], said: str) -> None:
    with pytest.raises(process.CannotRunError) as refused:
        process.run(argv, timeout=SECOND)

    assert str(refused.value) == said


def test_no_descriptor_is_left_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    process.run(("/bin/true",), timeout=SECOND, stdin=b"x")
    process.run(("/bin/sleep", "9"), timeout=timedelta(milliseconds=50))

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_words_that_a_shell_would_obey_stay_words(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    evil = f"$(touch {marker}); `touch {marker}` | touch {marker} & touch {marker}\ntouch {marker}"

    finished = process.run((sys.executable, "-c", "import sys; print(sys.argv[1])", evil), timeout=SECOND)

    assert finished.output.decode() == evil + "\n"
    assert not marker.exists()
