"""Times on a screen: all by one clock, that of the daemon's sentences, wherever the terminal stands."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from opsagent.core import contract, jobs
from opsagent.core.backup.record import Record, Run, written
from opsagent.core.change import Change, ChangeKind
from opsagent.core.changes import event_of
from opsagent.core.environment.shown import shown
from opsagent.core.events.logs import LogsReviewed
from opsagent.core.health import Health
from opsagent.core.job import Job, Plan
from opsagent.core.observation import Status
from opsagent.core.policy import CheckPolicy, Policy
from opsagent.core.state import State
from opsagent.core.timing import iso
from opsagent.core.why import lines
from opsagent.core.world import World
from opsagent.interfaces.cli.clock import Wall
from opsagent.store import spool
from tests.core.environment.hosts import host
from tests.interfaces.cli.test_reading import PAUSE
from tests.interfaces.instance import row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.interfaces.instance import Daemon, Instance, Log

ZONE = "Asia/Kolkata"
NOW = datetime.fromisoformat("2026-03-02T06:40:00Z")
AT = NOW - timedelta(minutes=30)
"""Everything on these screens happened then: 11:40 where the settings are, 06:10 UTC, 01:10 at the terminal."""
TIME = re.compile(r"\b[0-2][0-9]:[0-5][0-9]\b")
PLAN = Plan(cron="10 1 * * *", zone="America/New_York", said_in=ZONE, grace=timedelta(hours=1))
NIGHTLY = CheckPolicy(name="nightly", kind="job", job=PLAN)
POLICY = Policy(host="web-1", zone=ZONE, checks=(NIGHTLY,))
STATE = State(zone=ZONE, at=NOW, jobs={"nightly": Job(since=AT, begun_at=AT, started_at=AT)}, last_heartbeat_at=AT)
SETTINGS = """\
state: {state}
zone: Asia/Kolkata
checks:
- {{name: nightly, kind: job, cron: 10 1 * * *, zone: America/New_York}}
backups:
- {{name: app, kind: sqlite, database: {state}/app.db, to: {state}/kept, at: "11:40"}}
"""


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sit at a terminal of another zone."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    with time_machine.travel(NOW, tick=False):
        yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def told(instance: Instance, log: Log, daemon: Daemon) -> Instance:
    """Fill an instance, and let its daemon answer."""
    instance.settings.write_text(SETTINGS.format(state=instance.state))
    record = instance.state / "backups/app/record.json"
    record.parent.mkdir(parents=True)
    record.write_text(written(Record(runs=(Run(at=AT, seconds=1),))))
    (instance.state / "spool").mkdir()
    spool.write(instance.state / "spool", json.dumps({**PAUSE, "at": iso(AT)}))
    log.incident(at=AT.replace(second=0))
    change = Change(kind=ChangeKind.PACKAGE, subject="shop", what="1.0", at=AT)
    log.log.append([row(event_of(change), AT), row(LogsReviewed(since=AT, until=AT), AT)], AT)
    daemon.answer = _answer
    (instance.state / "status.json").write_text(json.dumps(_status()))
    return instance


def _status() -> dict[str, Any]:
    standing = jobs.standing(PLAN, STATE.jobs["nightly"], NOW)
    looks = {"nightly": Health(check="nightly", status=Status.OK, since=AT, at=AT, reading=jobs.reading(standing))}
    return contract.status(STATE, POLICY, looks, NOW, next_heartbeat_at=AT)


def _answer(request: object) -> Any:
    asked = type(request).__name__
    if asked == "JobsAsked":
        return jobs.shown(STATE, (NIGHTLY,), NOW)
    if asked == "WhyAsked":
        return {"lines": list(lines(World(state=STATE, policy=POLICY, looks={}, now=NOW), "nightly", next_at=AT))}
    return shown(host(), AT, {}) if asked == "EnvironmentAsked" else _status()


SCREENS = ("status", "incidents", "show 001", "why nightly", "jobs", "changes", "review", "environment", "backup list")


@pytest.mark.parametrize("words", SCREENS)
def test_all_times_on_a_screen_are_of_one_zone_that_is_said(told: Instance, words: str) -> None:
    screen = told.run(*words.split()).stdout

    times = set(TIME.findall(re.sub(r"\d\d:\d\d:\d\d", lambda found: found[0][:5], screen)))
    assert times == {"11:40"}, screen
    assert ZONE in screen


def test_a_schedule_of_another_zone_names_it(told: Instance) -> None:
    assert "10 1 * * * America/New_York" in told.run("jobs").stdout


def test_a_day_that_is_asked_for_begins_where_the_screens_clock_stands(told: Instance) -> None:
    assert len(told.json("changes", "--since", "2026-03-02T11:39")) == 1
    assert told.json("changes", "--since", "2026-03-02T11:41") == []


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    wall = Wall("Europe/Berlin")

    assert wall.shown("2026-10-25T00:30:00Z") == "2026-10-25 02:30 CEST"
    assert wall.shown("2026-10-25T01:30:00Z") == "2026-10-25 02:30 CET"
    assert wall.shown(None) == "-"
