"""A command remedy runs as told, is bounded, and never runs while root holds the host."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.order import Order
from opsagent.remedies.command import Remedy

if TYPE_CHECKING:
    from pathlib import Path


def order(tmp_path: Path, *command: str, seconds: float = 5) -> Order:
    return Order(
        unit="api.service", command=command, hold_path=str(tmp_path / "HOLD"), timeout=timedelta(seconds=seconds)
    )


def test_exit_zero_is_done_with_its_last_lines(tmp_path: Path) -> None:
    outcome = Remedy().act(order(tmp_path, "/bin/sh", "-c", "seq 100; echo oops >&2"))

    assert (outcome.result, outcome.error) == ("done", "")
    assert outcome.output == (*map(str, range(82, 101)), "oops")


@pytest.mark.parametrize(
    ("script", "result", "error"),
    [
        ("exit 4", "failed", "exit status 4"),
        ("kill -KILL $$", "failed", "killed by signal 9"),
        ("sleep 20", "timeout", "no end in time"),
    ],
)
def test_how_it_ended_is_told(tmp_path: Path, script: str, result: str, error: str) -> None:
    outcome = Remedy().act(order(tmp_path, "/bin/sh", "-c", script, seconds=0.2))

    assert (outcome.result, outcome.error) == (result, error)


def test_a_program_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    outcome = Remedy().act(order(tmp_path, "/no/such/program"))

    assert outcome.result == "refused"
    assert outcome.error == "cannot run '/no/such/program': No such file or directory"


def test_nothing_runs_while_root_holds_the_host(tmp_path: Path) -> None:
    (tmp_path / "HOLD").write_text("moving the database\n")

    outcome = Remedy().act(order(tmp_path, "/usr/bin/touch", str(tmp_path / "ran")))

    assert (outcome.result, outcome.error) == ("refused", "HOLD: moving the database")
    assert not (tmp_path / "ran").exists()


def test_hostile_output_is_made_visible_and_bounded(tmp_path: Path) -> None:
    script = r"printf '\033]0;owned\007\n'; printf 'a%.0s' $(seq 2000); yes | head -c 10000000"

    outcome = Remedy().act(order(tmp_path, "/bin/sh", "-c", script))

    assert len(outcome.output) == 20
    assert all(len(line) <= 500 and line.isprintable() for line in outcome.output)


def test_arguments_are_words_and_never_a_shells(tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    outcome = Remedy().act(order(tmp_path, "/bin/echo", f"$(touch {marker})", f"; touch {marker}", f"`touch {marker}`"))

    assert outcome.output == (f"$(touch {marker}) ; touch {marker} `touch {marker}`",)
    assert not marker.exists()
