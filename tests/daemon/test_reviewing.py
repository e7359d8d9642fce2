"""The daily review is begun once, done by a program of its own, and what becomes of it is always told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent import remedies
from opsagent.core import codec
from opsagent.core import events as ev
from opsagent.core.fold import fold
from opsagent.core.state import State
from opsagent.daemon import reviewing
from opsagent.daemon.errands import Errands
from opsagent.interfaces import known
from opsagent.settings import load_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opsagent.settings import Settings

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SETTINGS = """
host: web-1
zone: UTC
state: {state}
review: {{files: [{log}]}}
"""
KNOWN = "2026/11/27 04:00:00 [error] 12#12: *{} connect() failed (111: Connection refused)\n"
NEW = "2026/11/27 04:00:00 [crit] 12#12: *9 cannot reach replica, password=hunter2-hunter2\n"


def settings(folder: Path) -> Settings:
    checks, notifiers = known.kinds()
    (folder / "state").mkdir()
    return load_text(
        SETTINGS.format(state=folder / "state", log=folder / "error.log"), checks, remedies.KINDS, notifiers
    )


def recorded(state: State, event: ev.Event) -> State:
    return fold(state, codec.Recorded(seq=state.seq + 1, at=NOW, event=event))


class Counting(Errands):
    """Begins nothing, and counts what it was asked to begin."""

    def __init__(self) -> None:
        self.begun = 0

    def begin(self, name: str, work: Callable[[], object]) -> bool:
        self.begun += 1
        return True


def test_the_kind_that_a_file_never_held_before_is_named_with_the_usual_of_the_rest(tmp_path: Path) -> None:
    log, given = tmp_path / "error.log", settings(tmp_path)
    log.write_text("".join(KNOWN.format(number) for number in range(40)))
    first = reviewing.read(given, NOW - timedelta(days=1), NOW).review
    with log.open("a") as file:
        file.write("".join(KNOWN.format(number) for number in range(30)) + NEW)
    second = reviewing.read(given, first.until, NOW + timedelta(days=1)).review

    assert (first.trouble, first.is_first) == ("", True)
    new = [one for one in second.new if one.source == str(log)]
    assert [(one.text, one.count) for one in new] == [
        ("[crit] <n>#<n>: *<n> cannot reach replica, password=[redacted:password:0:0000]", 1)
    ]
    assert "hunter2" not in (given.state / "review" / "next.json").read_text()


def test_a_review_that_cannot_be_done_says_why(tmp_path: Path) -> None:
    given = settings(tmp_path)
    (given.state / "review").write_text("in the way")

    found = reviewing.read(given, NOW - timedelta(days=1), NOW).review

    assert "review" in found.trouble


def test_it_is_begun_once_until_it_is_recorded_and_again_where_that_takes_too_long(tmp_path: Path) -> None:
    errands, given = Counting(), settings(tmp_path)
    reviewer = reviewing.Reviewer(errands)
    state = recorded(State(zone="UTC"), ev.ReviewOrdered(by="ann"))

    for minutes in (0, 1, 9):
        reviewer.turn(given, state, NOW + timedelta(minutes=minutes))
    assert errands.begun == 1
    reviewer.turn(given, state, NOW + timedelta(minutes=10))
    assert errands.begun == 2
    reviewer.turn(given, recorded(state, ev.LogsReviewed(since=NOW, until=NOW)), NOW + timedelta(minutes=20))
    assert errands.begun == 2
