"""The page is written soon after a change, at most every few seconds, and not when it would say the same."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from opsagent.core import inbox
from opsagent.core.observation import Observation, Status, ok, unknown
from opsagent.core.page.model import RENEWED
from opsagent.daemon import showing
from opsagent.daemon.showing import Past, Showing
from opsagent.settings import Settings
from opsagent.settings.options import Layout, Scope
from opsagent.store.samples import NAME, Samples
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import API, POLICY
from tests.daemon.at_once import AtOnce, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.daemon.errands import Errands

ERRANDS = AtOnce()


@pytest.fixture
def clock() -> Watch:
    return Watch()


@pytest.fixture
def made(tmp_path: Path, clock: Watch) -> Showing:
    (tmp_path / "state").mkdir()
    settings = Settings(
        policy=POLICY,
        memory=tmp_path / "memory",
        state=tmp_path / "state",
        layout=Layout.STANDALONE,
        scope=Scope.SYSTEM,
    )
    return Showing(settings, clock.running, lambda text: text.replace("geheim", "[redacted]"))


def told(tmp_path: Path) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads((tmp_path / "memory/status.json").read_text())
    return shown


def stamp(tmp_path: Path) -> int:
    return (tmp_path / "memory/status.html").stat().st_ino


def test_it_is_there_at_once_and_follows_a_change_within_seconds(tmp_path: Path, made: Showing, clock: Watch) -> None:
    host = StoryHost(POLICY)
    made.turn(host.agent.world(NOON), (), ERRANDS)
    assert told(tmp_path)["checks"][0]["status"] == "unknown"

    host.good("api")
    made.changed()
    made.turn(host.agent.world(NOON), (), ERRANDS)
    assert told(tmp_path)["checks"][0]["status"] == "unknown"
    clock.seconds += showing.PAUSE
    made.turn(host.agent.world(NOON), (), ERRANDS)
    assert told(tmp_path)["checks"][0]["status"] == "ok"


def test_what_would_say_the_same_is_not_written(tmp_path: Path, made: Showing, clock: Watch) -> None:
    host = StoryHost(POLICY)
    made.turn(host.agent.world(NOON), (), ERRANDS)
    first = stamp(tmp_path)

    for _ in range(5):
        clock.seconds += showing.PAUSE
        made.changed()
        made.turn(host.agent.world(NOON + timedelta(seconds=30)), (), ERRANDS)
    assert stamp(tmp_path) == first

    clock.seconds += RENEWED.total_seconds()
    made.turn(host.agent.world(NOON + RENEWED), (), ERRANDS)
    assert stamp(tmp_path) != first
    assert told(tmp_path)["as_of"] == "2026-11-18T12:05:00.000Z"


def test_another_answer_of_a_check_is_news_and_the_same_one_is_not(
    tmp_path: Path, made: Showing, clock: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = StoryHost(POLICY).agent.world(NOON)
    begun: list[str] = []
    monkeypatch.setattr(ERRANDS, "begin", lambda name, work: begun.append(name) or True)
    made.turn(world, (), ERRANDS)

    for reading in (ok("10 %"), ok("11 %"), ok("12 %"), unknown("?"), unknown("??")):
        clock.seconds += showing.PAUSE
        made.looked(Observation(check="api", reading=reading, at=NOON))
        made.turn(world, (), ERRANDS)

    assert begun == ["page"] * 3


def test_the_last_page_says_that_nobody_looks(tmp_path: Path, made: Showing) -> None:
    host = StoryHost(POLICY)
    made.turn(host.agent.world(NOON), (), ERRANDS)
    host.take(inbox.Stopping(reason="asked to stop"))

    made.end(host.agent.world(NOON), ())

    assert told(tmp_path)["level"] == "down"


def test_a_page_that_cannot_be_written_is_tried_again_and_said_when_it_lasts(
    tmp_path: Path, made: Showing, clock: Watch
) -> None:
    world = StoryHost(POLICY).agent.world(NOON)
    (tmp_path / "memory").write_text("in the way")
    made.turn(world, ["geheim"], ERRANDS)
    assert made.trouble == ""

    clock.seconds += showing.PATIENCE
    made.turn(world, ["geheim"], ERRANDS)
    assert "cannot write status.html" in made.trouble

    (tmp_path / "memory").unlink()
    clock.seconds += showing.PAUSE
    made.turn(world, ["geheim"], ERRANDS)

    assert made.trouble == ""
    assert told(tmp_path)["troubles"] == ["[redacted]"]


def test_an_errand_that_takes_long_keeps_the_news_for_later(tmp_path: Path, made: Showing, clock: Watch) -> None:
    host = StoryHost(POLICY)
    busy: Errands = AtOnce()
    busy.begin = lambda name, work: False  # type: ignore[method-assign]
    made.turn(host.agent.world(NOON), (), busy)
    assert not (tmp_path / "memory").exists()

    made.turn(host.agent.world(NOON), (), ERRANDS)

    assert told(tmp_path)["host"] == "web-1"


def test_the_past_is_that_of_the_samples_and_is_read_on_from_where_it_was(tmp_path: Path) -> None:
    samples = Samples.open(tmp_path / NAME, NOON)
    every, begin = API.every, NOON - timedelta(days=2)
    for n in range(int(timedelta(days=2) / every)):
        at = begin + n * every
        failing = timedelta(hours=3) <= at - begin < timedelta(hours=3, minutes=20)
        samples.add("api", at, Status.CRITICAL if failing else Status.OK, None, None)
    for _ in range(40):
        samples.flush(NOON)
    past = Past(tmp_path / NAME)
    world = StoryHost(POLICY).agent.world(NOON)

    past.read(world)
    days = past.days["api"]

    assert len(days) == 30
    assert [day.critical for day in days[-3:]] == [1200, 0, 0]
    assert (days[-3].ok, days[-1].ok, days[-4].watched) == (43_200 - 1200, 43_200, 0)
    samples.add("api", NOON, Status.CRITICAL, None, None)
    samples.flush(NOON)
    past.read(StoryHost(POLICY).agent.world(NOON + timedelta(seconds=10)))
    assert past.days["api"][:-1] == days[:-1]
    assert past.days["api"][-1].critical == 10
    samples.close()


def test_without_samples_the_past_is_not_known(tmp_path: Path) -> None:
    past = Past(tmp_path / NAME)

    past.read(StoryHost(POLICY).agent.world(NOON))

    assert past.days == {}
