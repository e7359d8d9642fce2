"""`change` and `changes`: what is reported reaches the daemon, what was noticed is listed from the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core.asking import ChangesAsked
from opsagent.core.change import Change, ChangeKind
from opsagent.core.changes import event_of
from opsagent.core.commands import ReportChange
from opsagent.interfaces.cli import past
from tests.interfaces.instance import row

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from tests.interfaces.instance import Daemon, Instance, Log


def made(at: datetime) -> Change:
    return Change(
        kind=ChangeKind.PACKAGE,
        subject="shop",
        what="1.0 → 1.1",
        at=at,
        units=("shop.service",),
        by="ann",
        diff=("[bold]-a[/bold]",),
    )


def test_a_reported_change_reaches_the_daemon_as_it_was_meant(instance: Instance, daemon: Daemon) -> None:
    instance.run("change", "shop 2.3", "--unit", "shop", "--kind", "rollback")

    (asked,) = daemon.asked
    assert isinstance(asked, ReportChange)
    assert (asked.text, asked.unit, asked.change) == ("shop 2.3", "shop", "rollback")


def test_changes_come_from_the_log_those_that_are_asked_for(instance: Instance, log: Log, now: datetime) -> None:
    for age in (timedelta(days=3), timedelta(hours=1), timedelta()):
        log.log.append([row(event_of(made(now - age)), now - age)], now - age)

    assert len(instance.json("changes")) == 2
    assert len(instance.json("changes", "--since", "7d")) == 3
    (last,) = instance.json("changes", "--limit", "1")
    assert (last["kind"], last["units"], last["diff"]) == ("package", ["shop.service"], ["[bold]-a[/bold]"])


def test_changes_for_people_are_a_table_and_words_stay_words(instance: Instance, log: Log, now: datetime) -> None:
    change = replace(made(now), what="[bold]1.1[/bold]\x1b[2J")
    log.log.append([row(event_of(change), now)], now)

    shown = instance.run("changes").stdout

    assert "shop.service" in shown
    assert "[bold]1.1[/bold]\\x1b[2J" in shown


def test_a_host_without_changes_says_so(instance: Instance) -> None:
    assert instance.run("changes").stdout == "no changes in 24h\n"


def test_who_may_not_read_the_log_asks_the_daemon(
    instance: Instance, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "_reader", lambda _: None)
    (instance.state / "events.db").touch()
    daemon.answer = lambda _: [{"kind": "deploy"}]

    assert instance.json("changes", "--since", "2h") == [{"kind": "deploy"}]
    assert daemon.asked == [ChangesAsked(since=timedelta(hours=2))]
