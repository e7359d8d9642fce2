"""The program as a process: its exit status, its streams, its speed; and the whole way to a daemon and back."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.interfaces.cli import COMMANDS
from tests.interfaces.instance import Instance, made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-c", "from opsagent.interfaces.cli import main; main()"]


def run(*words: str, config: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"OPSAGENT_CONFIG": str(config)} if config else {})}
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, timeout=60, env=environment, check=False, **options
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["version"], 0),
        (["--help"], 0),
        (["--version"], 0),
        (["status"], 0),
        (["status", "--json"], 0),
        (["incidents", "--json"], 0),
        (["show", "001"], 1),
        (["validate"], 0),
        (["validate", "/nowhere"], 1),
        (["check", "ram", "--json"], 0),
        (["check", "api"], 2),
        (["check", "apu"], 3),
        (["pause", "api"], 2),
        (["resolve", "OPS-20260301-001", "--force"], 2),
        (["nonsense"], 2),
        (["why"], 2),
        (["status", "--config", "/nowhere"], 2),
    ],
)
def test_the_exit_status_says_how_it_went(instance: Instance, words: list[str], code: int) -> None:
    done = run(*words, config=instance.settings)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_before_the_command_names_the_instance_too(instance: Instance) -> None:
    before = run("--config", str(instance.settings), "settings", "show", "--json")
    behind = run("settings", "show", "--json", "--config", str(instance.settings))

    assert json.loads(before.stdout) == json.loads(behind.stdout)


def test_the_short_way_of_status_says_what_the_long_way_says(instance: Instance) -> None:
    for words in (["status"], ["status", "--json"]):
        short = run(*words, config=instance.settings)
        long = run(*words, "--config", str(instance.settings))

        assert short.stdout == long.stdout


def test_every_command_has_help(instance: Instance) -> None:
    shown = run("--help").stdout

    for name in COMMANDS:
        assert re.search(rf"^  {name} +\S", shown, re.MULTILINE), name


def test_in_a_pipe_there_are_no_colours_and_on_a_terminal_there_are(instance: Instance) -> None:
    piped = run("check", "api", config=instance.settings).stdout
    shown = on_a_terminal("check", "api", config=instance.settings)

    assert "\x1b" not in piped
    assert "\x1b[1;31mcritical" in shown


def on_a_terminal(*words: str, config: Path) -> str:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(config), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen([*PROGRAM, *words], stdout=theirs, stdin=theirs, env=environment) as child:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's other side ends
            while chunk := os.read(ours, 4096):
                shown += chunk
        child.wait(30)
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("words", [["settings", "schema"], ["incidents"], ["status"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_accident(instance: Instance, words: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(instance.settings)}

    done = subprocess.run(
        [*PROGRAM, *words], stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(theirs)

    assert (done.returncode, done.stderr) == (1, "")


def test_status_is_quick(instance: Instance, record_property: Callable[[str, object], None]) -> None:
    """Shown, not asserted: a busy machine is no reason to fail. What it may import is asserted instead."""
    started = time.monotonic()
    run("status", "--json", config=instance.settings)
    record_property("status_seconds", round(time.monotonic() - started, 3))

    code = (
        "import sys; from opsagent.interfaces.cli import main; sys.argv = ['opsagent', 'status', '--json']; main();"
        "print(sorted({'pydantic', 'apprise', 'requests', 'psutil', 'ruamel', 'rich', 'jeepney'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(instance.settings)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@contextlib.contextmanager
def running(instance: Instance) -> Iterator[subprocess.Popen[bytes]]:
    """The real daemon on this instance; killed at the end, whatever happened."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(instance.settings)}
    with (instance.directory / "run.log").open("ab") as log:
        daemon = subprocess.Popen([*PROGRAM, "run"], stdout=log, stderr=log, env=environment)
    try:
        wait_for(lambda: instance.json("status")["daemon"]["running"], "the daemon to answer", instance)
        yield daemon
    finally:
        daemon.kill()
        daemon.wait(10)


def wait_for(is_so: Callable[[], object], what: str, instance: Instance, within: float = 120.0) -> None:
    until = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < until, f"waited for {what}; {(instance.directory / 'run.log').read_text()}"
        time.sleep(0.1)


@pytest.fixture
def watching(instance: Instance) -> Instance:
    return watched(instance)


def watched(instance: Instance) -> Instance:
    """Give it a check that is good and one that fails."""
    instance.settings.write_text(
        f"state: {instance.state}\nfast_loop: 1s\n"
        "checks:\n"
        "  - {name: ram, kind: memory}\n"
        "  - {name: api, kind: tcp, host: 127.0.0.1, port: 1, confirm: {failures: 1, retry: 1s}}\n"
    )
    return instance


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, subprocess.Popen[bytes]]]:
    """A daemon that has found an incident, for tests that leave it running."""
    shared = watched(made(tmp_path_factory.mktemp("live")))
    with running(shared) as daemon:
        wait_for(lambda: shared.json("incidents"), "an incident", shared)
        yield shared, daemon


def test_with_a_real_daemon_every_command_finds_its_way(live: tuple[Instance, subprocess.Popen[bytes]]) -> None:
    watching, daemon = live
    status, (incident,) = watching.json("status"), watching.json("incidents", "--check", "api")

    assert status["daemon"]["pid"] == daemon.pid
    assert incident["id"] in status["open_incidents"]
    assert watching.json("show", incident["id"])["timeline"]
    assert watching.json("why", "api")["running"] is True
    for words in (
        ["note", incident["id"], "seen before"],
        ["ack", incident["id"], "--for", "1h"],
        ["pause", "ram", "--for", "1h", "--because", "a test"],
    ):
        assert watching.run(*words).exit_code == 0, words
    assert watching.json("incidents", "--check", "api")[0]["state"] == "acknowledged"
    assert watching.json("incidents", "--check", "api")[0]["acknowledged_at"] is not None
    assert [c["suppressed_by"] for c in watching.json("status")["checks"] if c["name"] == "ram"] == ["pause"]
    assert watching.run("repair", "api").exit_code == 1, "it is not armed"


def test_what_was_asked_while_it_was_down_is_done_once_at_its_start(watching: Instance) -> None:
    with running(watching) as daemon:
        wait_for(lambda: watching.json("incidents"), "an incident", watching)
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait(10)
        watching.run("pause", "ram", "--for", "1h", "--because", "a test")
        down = watching.json("status")

    assert down["daemon"]["running"] is False
    assert [one["command"] for one in down["pending_commands"]] == ["pause ram for 1h"]
    assert watching.json("incidents") != []
    with running(watching):
        wait_for(lambda: not watching.json("status")["pending_commands"], "the spool to be read", watching)
        checks = {check["name"]: check["suppressed_by"] for check in watching.json("status")["checks"]}

    assert checks["ram"] == "pause"
    assert watching.spooled() == []


def test_it_ends_with_the_terminal_it_was_started_from(watching: Instance) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(watching.settings)}
    with (watching.directory / "run.log").open("ab") as log:
        daemon = subprocess.Popen([*PROGRAM, "run"], stdin=theirs, stdout=log, stderr=log, env=environment)
    try:
        wait_for(lambda: watching.json("status")["daemon"]["running"], "the daemon to answer", watching)
        os.kill(daemon.pid, signal.SIGHUP)

        assert daemon.wait(20) == 0
    finally:
        daemon.kill()
        daemon.wait(10)
        os.close(ours)
        os.close(theirs)


def test_a_second_daemon_is_told_who_runs(live: tuple[Instance, subprocess.Popen[bytes]]) -> None:
    watching, daemon = live

    second = run("run", config=watching.settings)

    assert second.returncode == 1
    assert f"process {daemon.pid} holds it" in second.stderr


def test_a_daemon_whose_lock_was_deleted_ends_before_there_are_two(watching: Instance) -> None:
    with running(watching) as daemon:
        (watching.state / "lock").unlink()

        assert daemon.wait(20) == 70
    assert "somebody deleted our lock" in (watching.directory / "run.log").read_text()


def test_where_things_are_kept_changes_at_the_next_start_and_that_is_said(
    live: tuple[Instance, subprocess.Popen[bytes]],
) -> None:
    watching, daemon = live
    watching.settings.write_text(watching.settings.read_text() + f"memory: {watching.directory}/elsewhere\n")
    daemon.send_signal(signal.SIGHUP)
    said = watching.directory / "run.log"

    wait_for(lambda: "take effect at the next start" in said.read_text(), "the log", watching)
    assert not (watching.directory / "elsewhere").exists()


def test_the_daemon_does_not_start_with_bad_settings(instance: Instance) -> None:
    instance.settings.write_text("checks: [{name: a, kind: nope}]\n")

    done = run("run", config=instance.settings)

    assert done.returncode == 78
    assert f"{instance.settings}:1: " in done.stderr


def test_a_log_that_is_only_just_made_is_told_in_one_line(instance: Instance) -> None:
    sqlite3.connect(instance.state / "events.db").execute("CREATE TABLE other(x)").connection.close()

    done = run("incidents", config=instance.settings)

    assert done.returncode == 1
    assert done.stderr.startswith("opsagent: cannot read the event log now: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_daemon_without_its_socket_watches_all_the_same(watching: Instance) -> None:
    (watching.state / "control.sock").write_text("in the way")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPSAGENT_CONFIG": str(watching.settings)}
    with (watching.directory / "run.log").open("ab") as log:
        daemon = subprocess.Popen([*PROGRAM, "run"], stdout=log, stderr=log, env=environment)
    try:
        wait_for((watching.state / "status.json").exists, "its status on the disk", watching)
        wait_for(lambda: watching.json("incidents"), "an incident", watching)
        assert watching.json("status")["checks"] != []
    finally:
        daemon.kill()
        daemon.wait(10)

    told = (watching.directory / "run.log").read_text()
    assert "cannot open the control socket" in told
    assert "Traceback" not in told
