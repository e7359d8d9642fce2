"""The command check: the monitoring-plugins API, and programs that do not want to end."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.checks import command, observe
from opsagent.checks.command import Check, split_output
from opsagent.core.observation import Status

if TYPE_CHECKING:
    from pathlib import Path

SHORT = timedelta(milliseconds=200)


def shell(script: str, **options: timedelta) -> Check:
    return Check(command=("/bin/sh", "-c", script), **options)


@pytest.mark.parametrize(
    ("code", "status"),
    [(0, Status.OK), (1, Status.WARNING), (2, Status.CRITICAL), (3, Status.UNKNOWN), (77, Status.UNKNOWN)],
)
def test_the_exit_status_is_the_answer_and_the_first_line_the_message(code: int, status: Status) -> None:
    reading = observe(shell(f"echo 'DISK all - well'; echo more; exit {code}"))

    assert (reading.status, reading.message) == (status, "DISK all - well")


def test_performance_data_becomes_numbers() -> None:
    reading = observe(shell("printf '%s\\n' \"OK | time=0.5s;1;2;0 'a b'=10%\" 'long text' 'more | size=2KB x=U'"))

    assert reading.message == "OK"
    assert [(m.name, m.value, m.unit) for m in reading.measures] == [
        ("time", 0.5, "s"),
        ("a b", 10.0, "%"),
        ("size", 2048.0, "bytes"),
    ]


def test_a_program_that_says_nothing_is_spoken_for() -> None:
    assert observe(shell("exit 2")).message == "/bin/sh ended with status 2 and said nothing"
    assert observe(shell("echo why >&2; exit 2")).message == "why"


def test_empty_lines_before_the_message_are_passed_over() -> None:
    reading = observe(Check(command=("/bin/sh", "-c", "printf '\\n  \\nCRITICAL: no answer|a=1'; exit 2")))

    assert (reading.message, reading.measures[0].name) == ("CRITICAL: no answer", "a")


def test_a_script_without_its_interpreter_says_so(tmp_path: Path) -> None:
    script = tmp_path / "check"
    script.write_text("#!/no/such/python\n")
    script.chmod(0o755)

    reading = observe(Check(command=(str(script),)))

    assert reading.status is Status.UNKNOWN
    assert reading.message.endswith("the interpreter in its first line does not exist")


def test_a_program_that_is_killed_is_unknown() -> None:
    assert observe(shell("kill -SEGV $$")).status is Status.UNKNOWN


def test_a_program_that_is_not_there_is_unknown() -> None:
    reading = observe(Check(command=("/nowhere/check_x",)))

    assert (reading.status, reading.failure_class) == (Status.UNKNOWN, "absent")


@pytest.mark.parametrize(
    "script",
    ["trap '' TERM; while :; do sleep 0.05; done", "sleep 30 & sleep 30", "yes", "trap '' TERM; yes & yes & wait"],
)
def test_a_program_that_does_not_want_to_end_is_ended_with_its_children(script: str) -> None:
    began = time.monotonic()

    reading = observe(shell(script, timeout=SHORT))

    assert time.monotonic() - began < 2
    assert (reading.status, reading.failure_class, reading.timed_out) == (Status.CRITICAL, "timeout", True)
    assert [child for child in psutil.Process().children(recursive=True) if child.name() in {"sleep", "yes"}] == []


def test_a_grandchild_that_holds_the_pipe_holds_nobody_up() -> None:
    began = time.monotonic()

    reading = observe(shell("sleep 30 & echo fine"))

    assert time.monotonic() - began < 2
    assert (reading.status, reading.message) == (Status.OK, "fine")


def test_much_output_is_kept_only_in_part() -> None:
    reading = observe(shell("head -c 5000000 /dev/zero | tr '\\0' x"))

    assert reading.status is Status.OK
    assert len(reading.message) == 500


def test_no_shell_ever_reads_an_argument(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    around = ["{}", '"{}"', "'{}'", "x {}", "x\n{}", "{} #", "a={}", "\\{}", "-x{}", "%s{}"]
    inside = ["$({})", "`{}`", "; {}", "| {}", "&& {}", "|| {}", "& {}", "\n{}", "> {}", "$(({}))"]
    attempts = [outer.format(inner.format(f"touch {marker}")) for outer in around for inner in inside]

    for attempt in (attempts, [f"{text};" for text in attempts]):
        reading = observe(Check(command=("/bin/echo", *attempt)))

        assert reading.status is Status.OK
    assert len(attempts) == 100
    assert not marker.exists()


def test_the_environment_is_ours_not_the_daemons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("SECRET", "s3cret")

    reading = observe(shell('echo "$(pwd) [$NOTIFY_SOCKET] [$SECRET] $(wc -c </dev/stdin)"'))

    assert reading.message == "/ [] [] 0"


def test_a_program_that_needs_more_rights_than_the_sandbox_gives_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    real = command.Path.read_text

    def sandboxed(path: Path, **options: str) -> str:
        return "NoNewPrivs:\t1\n" if str(path) == "/proc/self/status" else real(path, **options)

    monkeypatch.setattr(command.Path, "read_text", sandboxed)

    assert observe(Check(command=("/usr/bin/su", "-c", "true"))).failure_class == "rights"
    assert observe(Check(command=("/bin/echo", "fine"))).status is Status.OK


@pytest.mark.parametrize("argv", [(), ("check_x",), ("./check_x",)])
def test_a_command_without_a_full_path_is_refused_in_the_settings(argv: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="full path"):
        Check(command=argv)


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("x | a=1", {"a": 1}),
        ("x | a=1;2;3;4;5 b=2.5ms", {"a": 1, "b": 0.0025}),
        ("x | 'it''s'=3", {"it's": 3}),
        ("x | a=1,5", {"a": 1.5}),
        ("x | a=-1e3", {"a": -1000}),
        ("x | a= b=2", {"b": 2}),
        ("x | 'open=1", {}),
        ("x | a", {}),
        ("x |", {}),
        ("x", {}),
    ],
)
def test_performance_data_is_read_as_far_as_it_makes_sense(line: str, numbers: dict[str, float]) -> None:
    text, measures = split_output(line)

    assert text == "x"
    assert {measure.name: measure.value for measure in measures} == numbers


@given(st.text(max_size=300))
def test_any_output_is_read_without_an_error(output: str) -> None:
    _, measures = split_output("x|" + output)

    assert len(measures) <= 32


def test_reading_much_performance_data_takes_no_time() -> None:
    began = time.perf_counter()
    split_output("x|" + "'" * 65_000)
    split_output("x|" + "a=1 " * 16_000)
    split_output("x|" + "a=" + "1" * 65_000)

    assert time.perf_counter() - began < 0.1
