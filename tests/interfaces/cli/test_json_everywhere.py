"""Programs get JSON from every command, whether it reads, changes, writes or examines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner, Result

from opsagent import __version__
from opsagent.core.commands import Answer
from opsagent.interfaces.cli import COMMANDS, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from tests.interfaces.instance import Daemon, Instance, Log

ID = "OPS-20260301-001"
CHANGES = [
    ["ack", ID],
    ["resolve", ID, "--because", "new disk"],
    ["pause", "api", "--for", "2h", "--because", "deploy"],
    ["pause", "api", "--end"],
    ["repair", "api"],
    ["approve", ID],
    ["trust", "api", "restart"],
    ["note", ID, "seen before"],
    ["change", "shop 2.3", "--unit", "shop"],
    ["review", "--now"],
]
PROSE = {"run", "settings schema", "job", "backup settle"}
"""The daemon; what prints nothing but JSON; what prints what its command prints; what systemd alone calls."""


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for below in getattr(command, "commands", {}).items():
        yield from commands(below[1], f"{name} {below[0]}".strip())
    if not hasattr(command, "commands"):
        yield name, command


def run(*words: str) -> Result:
    return CliRunner().invoke(build([words[0]]), [*words, "--json"])


def test_every_command_takes_it() -> None:
    program: Any = typer.main.get_command(build(COMMANDS))
    found = dict(commands(program))

    assert len(found) > len(COMMANDS)
    without = {name for name, one in found.items() if not any("--json" in option.opts for option in one.params)}
    assert without == PROSE


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_a_change_says_what_came_of_it(instance: Instance, daemon: Daemon, words: list[str]) -> None:
    assert instance.json(*words) == {"accepted": True, "pending": False, "text": "done"}


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_a_change_that_waits_says_so(instance: Instance, words: list[str]) -> None:
    told = instance.json(*words)

    assert (told["accepted"], told["pending"]) == (True, True)
    assert "waits in the spool" in told["text"]
    assert len(instance.spooled()) == 1


def test_a_refusal_is_an_answer_too_and_still_a_failure(instance: Instance, daemon: Daemon) -> None:
    daemon.answer = lambda _: Answer(accepted=False, text="cannot resolve it: api still fails")

    result = instance.run("resolve", ID, "--because", "x", "--json")

    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {
        "accepted": False,
        "pending": False,
        "text": "cannot resolve it: api still fails",
    }


def test_a_notifier_that_cannot_be_reached_is_not_accepted(instance: Instance) -> None:
    with instance.settings.open("a") as file:
        file.write('notifiers:\n  - {name: hook, kind: webhook, url: "http://127.0.0.1:1/hook"}\n')

    result = instance.run("notify", "test", "--json")

    told = json.loads(result.stdout)
    assert (result.exit_code, told["accepted"], told["pending"]) == (1, False, False)
    assert told["text"].startswith("hook: not delivered: ")


def test_each_error_of_the_settings_is_a_record(instance: Instance) -> None:
    bad = instance.directory / "bad.yaml"
    bad.write_text("checks:\n  - {name: A, kind: tcp}\nzone: Mars\n")

    result = run("validate", str(instance.settings), str(bad))

    good, wrong = json.loads(result.stdout)
    assert result.exit_code == 1
    assert good == {
        "file": str(instance.settings),
        "good": True,
        "problems": [],
        "checks": 4,
        "armed": ["api"],
        "mode": "auto",
    }
    assert (wrong["file"], wrong["good"], wrong["checks"]) == (str(bad), False, None)
    assert {(one["file"], one["line"]) for one in wrong["problems"]} == {(str(bad), 2), (str(bad), 3)}
    assert all("allowed" in one["text"] for one in wrong["problems"] if one["line"] == 3)


def test_init_names_the_file_it_wrote(tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "new.yaml"))

    assert json.loads(result.stdout) == {"path": str(tmp_path / "new.yaml")}
    assert (tmp_path / "new.yaml").exists()


def test_a_rebuild_counts_what_it_wrote(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)

    first, again = instance.json("memory", "rebuild"), instance.json("memory", "rebuild")

    assert first["memory"] == str(instance.state / "memory")
    assert first["written"] > 0
    assert (again["written"], again["present"], again["trouble"]) == (0, first["written"], None)


def test_a_purge_says_what_is_kept(instance: Instance, log: Log, now: datetime) -> None:
    log.incident("api", at=now)
    log.log.close()

    told = instance.json("memory", "purge", "2", "--because", "a password")

    assert (told["event"], len(told["sha256"]), told["may_hold_it_too"]) == (2, 64, [])


def test_the_version_is_a_key() -> None:
    assert json.loads(run("version").stdout) == {"version": __version__}
