from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core.beats import missed
from opsagent.core.report.head import head
from opsagent.core.state import State
from tests.core.report.telling import Telling

BEAT = ev.HeartbeatDone(good=1, bad=0, blind=0, late=0, seconds=1)
HALF_HOUR = 1800.0


def started(at: datetime, zone: str = "Europe/Berlin") -> Telling:
    """Return a host whose daemon has just come up, with its first heartbeat."""
    host = Telling(state=State(zone=zone, mode="auto"), at=at)
    host.take(ev.DaemonStarted(version="1", pid=1))
    host.take(BEAT)
    return host


def beats(host: Telling, at: datetime | None = None) -> str:
    text = head(host.state, at or host.at, "h").text
    return text[text.index("Heartbeats") :].partition(" ·")[0]


def test_a_whole_day_has_forty_eight() -> None:
    host = started(datetime(2026, 11, 19, 21, 30, tzinfo=UTC))
    for _ in range(50):
        host.take(BEAT, after=HALF_HOUR)

    assert beats(host) == "Heartbeats 48 of 48, last 23:30"


def test_while_the_daemon_was_down_they_were_due_and_did_not_come() -> None:
    host = started(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    host.take(ev.DaemonStopped(reason="asked"), after=60)

    host.take(ev.DaemonStarted(version="1", pid=2), after=2 * 3600)
    host.take(BEAT)

    assert beats(host) == "Heartbeats 2 of 5, last 09:01"  # 7:30, 8:00 and 8:30 did not come


def test_a_restart_between_two_heartbeats_misses_none() -> None:
    host = started(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    host.take(ev.DaemonStarted(version="1", pid=2), after=600)
    host.take(BEAT)

    assert beats(host) == "Heartbeats 2 of 2, last 07:10"


def test_a_day_that_began_while_the_host_was_off_counts_from_midnight() -> None:
    host = started(datetime(2026, 11, 18, 12, 0, tzinfo=UTC))
    host.take(ev.DaemonStarted(version="1", pid=2), after=86400 - 3600)
    host.take(BEAT)

    assert beats(host) == "Heartbeats 1 of 25, last 12:00"


def test_one_that_is_late_is_missed_only_after_half_its_time() -> None:
    host = started(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))

    assert missed(host.state, host.at + timedelta(minutes=44)) == 0
    assert missed(host.state, host.at + timedelta(minutes=46)) == 1
    assert beats(host, host.at + timedelta(minutes=46)) == "Heartbeats 1 of 2, last 07:00"


def test_a_clock_that_was_set_makes_none_missed() -> None:
    host = started(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    host.at += timedelta(hours=5)
    host.take(ev.ClockJumped(by=timedelta(hours=5)))
    host.take(BEAT)

    assert beats(host) == "Heartbeats 2 of 2, last 12:00"


def test_another_interval_counts_from_when_it_is_set() -> None:
    host = started(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    often = {"heartbeat": timedelta(minutes=5), "zone": "Europe/Berlin", "mode": "auto"}
    host.take(ev.SettingsApplied(digest="d", text="", checks=(), armed=(), **often), after=60)
    host.take(BEAT)
    host.take(BEAT, after=300)

    assert beats(host) == "Heartbeats 3 of 3, last 07:06"


@pytest.mark.parametrize(
    ("zone", "begin", "count"),
    [
        ("America/New_York", datetime(2026, 11, 1, 4, 0, tzinfo=UTC), 50),  # 25 hours
        ("America/New_York", datetime(2026, 3, 8, 5, 0, tzinfo=UTC), 46),  # 23 hours
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, 0, tzinfo=UTC), 49),  # half an hour more
    ],
)
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(zone: str, begin: datetime, count: int) -> None:
    host = started(begin - timedelta(hours=1), zone)
    for _ in range(count + 1):
        host.take(BEAT, after=HALF_HOUR)

    assert beats(host).startswith(f"Heartbeats {count} of {count}, last 23:30")
    host.take(BEAT, after=HALF_HOUR)
    assert beats(host) == "Heartbeats 1 of 1, last 00:00"


def test_before_the_first_heartbeat_none_was_due() -> None:
    assert missed(State(), datetime(2026, 11, 20, tzinfo=UTC)) == 0
    assert missed(replace(State(), heartbeat=timedelta()), datetime(2026, 11, 20, tzinfo=UTC)) == 0
