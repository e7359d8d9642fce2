"""Running a command in its caller's place: what goes through, what is kept, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import dataclasses, json, os, sys
from opsagent.host import wrapped

def ended(ran):
    with open(sys.argv[1], "w") as told:
        json.dump(dataclasses.asdict(ran), told)

sys.exit(wrapped.run(sys.argv[2:], wrapped.Signals(), ended))
"""


def wrapped(told: Path, *command: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(told), *command], **more)  # type: ignore[call-overload, no-any-return]


def finished(told: Path, *command: str, **more: object) -> tuple[int, bytes, bytes, dict[str, object]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    with wrapped(told, *command, **pipes) as program:
        out, err = program.communicate(b"given\n", timeout=20)
    return program.returncode, out, err or b"", json.loads(told.read_text())


def test_what_it_reads_and_writes_passes_through_and_its_last_lines_are_kept(tmp_path: Path) -> None:
    code, out, err, ran = finished(tmp_path / "told", "sh", "-c", "cat; echo first; echo oops >&2; exit 3")

    assert (code, out, err) == (3, b"given\nfirst\n", b"oops\n")
    assert ran["code"] == 3
    assert set(ran["lines"]) == {"given", "first", "oops"}  # type: ignore[call-overload]


def test_where_both_are_one_file_their_order_stays(tmp_path: Path) -> None:
    script = "for n in 1 2 3 4 5 6 7 8 9; do echo out $n; echo err $n >&2; done"

    _, out, _, _ = finished(tmp_path / "told", "sh", "-c", script, stderr=subprocess.STDOUT)

    assert out.decode().split("\n")[:-1] == [f"{which} {n}" for n in range(1, 10) for which in ("out", "err")]


def test_the_last_words_of_whatever_writes_bytes_fit_into_one_request(tmp_path: Path) -> None:
    _, _, _, ran = finished(tmp_path / "told", "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' '\\377'; exit 1")

    assert ran["lines"]
    assert len(json.dumps(ran)) < 60_000


def test_of_a_flood_everything_passes_and_little_is_kept(tmp_path: Path) -> None:
    _, out, _, ran = finished(tmp_path / "told", "sh", "-c", "seq 200000; printf '\\377 the end'")

    assert out.endswith(b"199999\n200000\n\xff the end")
    assert len(out) == 1288895 + len("x the end")
    assert ran["lines"][-2:] == ["200000", "\N{REPLACEMENT CHARACTER} the end"]  # type: ignore[index]
    assert len(ran["lines"]) == 20  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["no-such-program"], 127), (["/etc/hostname"], 126), (["sh", "-c", "kill -9 $$"], 137)],
)
def test_its_exit_status_is_the_commands_own_as_a_shell_says_it(tmp_path: Path, command: list[str], code: int) -> None:
    ended, _, err, ran = finished(tmp_path / "told", *command)

    assert ended == ran["code"] == code
    assert (b"cannot run" in err) == (code in (126, 127))


def test_a_signal_goes_on_to_the_command(tmp_path: Path) -> None:
    script = "trap 'echo asked to end; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with wrapped(tmp_path / "told", "sh", "-c", script, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        program.send_signal(signal.SIGTERM)

        assert program.stdout.read() == b"asked to end\n"
        assert program.wait(20) == 7


def test_what_it_leaves_running_may_still_write_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    with wrapped(
        tmp_path / "told", "sh", "-c", f"(read x < {fifo}; echo later) & echo now", stdout=subprocess.PIPE
    ) as program:
        assert program.wait(20) == 0
        assert json.loads((tmp_path / "told").read_text())["code"] == 0
        fifo.write_text("go\n")
        assert program.stdout is not None

        assert program.stdout.read() == b"now\nlater\n"


def test_a_command_whose_reader_has_gone_is_told_so(tmp_path: Path) -> None:
    with wrapped(tmp_path / "told", "sh", "-c", "yes", stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.read(10)
        program.stdout.close()

        assert program.wait(20) == 128 + signal.SIGPIPE
