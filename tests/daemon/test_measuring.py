"""The textfile of node_exporter: whole or not there, readable by others, never a reason to stop."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from opsagent.core import inbox
from opsagent.core.observation import Observation, ok
from opsagent.daemon import measuring
from opsagent.daemon.measuring import Measuring
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import POLICY
from tests.daemon.at_once import AtOnce, Watch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock() -> Watch:
    return Watch()


@pytest.fixture
def made(clock: Watch) -> Measuring:
    return Measuring(StoryHost(POLICY).agent, clock, list)


ERRANDS = AtOnce()


def test_it_is_written_at_its_pace_for_everybody_to_read(tmp_path: Path, made: Measuring, clock: Watch) -> None:
    path = tmp_path / "opsagent.prom"
    made.look(Observation(check="api", reading=ok("fine"), at=NOON, seconds=0.1))
    made.turn(path, ERRANDS, NOON)
    first = path.read_text()
    made.look(Observation(check="api", reading=ok("fine"), at=NOON, seconds=0.1))
    made.turn(path, ERRANDS, NOON)
    assert path.read_text() == first

    clock.seconds += measuring.PACE
    made.turn(path, ERRANDS, NOON)

    assert 'opsagent_check_looks_total{check="api",status="ok"} 1\n' in first
    assert 'opsagent_check_looks_total{check="api",status="ok"} 2\n' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["opsagent.prom"]


def test_the_more_it_costs_the_rarer_it_is(tmp_path: Path, clock: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Measuring(StoryHost(POLICY).agent, clock, list)
    path = tmp_path / "opsagent.prom"

    whole = measuring.put

    def slow(path: Path, content: bytes) -> str:
        clock.seconds += 0.2
        return whole(path, content)

    monkeypatch.setattr(measuring, "put", slow)
    made.turn(path, ERRANDS, NOON)
    path.unlink()

    clock.seconds += measuring.PACE
    made.turn(path, ERRANDS, NOON)
    assert not path.exists()
    clock.seconds += 0.2 * measuring.SHARE
    made.turn(path, ERRANDS, NOON)
    assert path.exists()


def test_the_last_words_say_that_nobody_looks(tmp_path: Path, clock: Watch) -> None:
    path, host = tmp_path / "opsagent.prom", StoryHost(POLICY)
    made = Measuring(host.agent, clock, list)
    made.turn(path, ERRANDS, NOON)
    assert "opsagent_running 1\n" in path.read_text()

    host.take(inbox.Stopping(reason="asked to stop"))
    made.end(NOON)

    assert "opsagent_running 0\n" in path.read_text()


def test_a_textfile_that_the_settings_no_longer_name_does_not_go_stale(tmp_path: Path, made: Measuring) -> None:
    old, new = tmp_path / "old.prom", tmp_path / "new.prom"
    made.turn(old, ERRANDS, NOON)

    made.turn(new, ERRANDS, NOON)
    assert not old.exists()
    assert new.exists()
    made.turn(None, ERRANDS, NOON)
    assert not new.exists()


def test_a_directory_that_is_not_there_is_said_and_stops_nothing(tmp_path: Path, made: Measuring) -> None:
    path = tmp_path / "gone" / "opsagent.prom"

    made.turn(path, ERRANDS, NOON)

    assert made.trouble == f"{path}: No such file or directory"
    path.parent.mkdir()
    made.end(NOON)
    assert (made.trouble, path.exists()) == ("", True)


def test_a_trap_in_the_place_of_the_draft_is_not_followed(tmp_path: Path, made: Measuring) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".opsagent.prom.new").symlink_to(victim)

    made.turn(tmp_path / "opsagent.prom", ERRANDS, NOON)

    assert victim.read_text() == "mine"
    assert "opsagent_running" in (tmp_path / "opsagent.prom").read_text()
