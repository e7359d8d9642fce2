"""`review`: the last one from the log, for people and programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from opsagent.core.commands import ReviewNow
from opsagent.core.events.logs import LogKind, LogsReviewed
from tests.interfaces.instance import row

if TYPE_CHECKING:
    from tests.interfaces.instance import Daemon, Instance, Log

AT = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
NEW = LogKind(source="shop.service", text="cannot reach [red]replica[/red] <ip>", priority=3, count=2)


def test_the_last_review_is_shown_with_its_new_kinds(instance: Instance, log: Log) -> None:
    old = LogsReviewed(since=AT - timedelta(days=2), until=AT - timedelta(days=1))
    last = LogsReviewed(
        since=AT - timedelta(days=1), until=AT, errors=2, warnings=31, usual=28, kinds=6, new_kinds=1, new=(NEW,)
    )
    log.log.append([row(old, AT - timedelta(days=1)), row(last, AT)], AT)

    told, shown = instance.json("review"), instance.run("review").stdout

    assert (told["at"], told["usual"], told["new_kinds"]) == ("2026-11-27T06:30:00.000Z", 28, 1)
    assert told["new"] == [{"source": "shop.service", "text": NEW.text, "priority": "err", "count": 2, "usual": 0}]
    assert "2 errors, 31 warnings, 28 lines are usual; 6 kinds, 1 new" in shown
    assert "cannot reach [red]replica[/red] <ip>" in shown


def test_before_the_first_review_there_is_none(instance: Instance, log: Log) -> None:
    assert instance.json("review") is None
    assert "not reviewed yet" in instance.run("review").stdout


def test_one_by_hand_is_asked_of_the_daemon(instance: Instance, daemon: Daemon) -> None:
    assert instance.run("review", "--now").exit_code == 0
    assert [type(one) for one in daemon.asked] == [ReviewNow]
