"""When the logs are reviewed: once a local day, over restarts and clock changes, and how the day's file tells of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from opsagent.core import codec, review
from opsagent.core import events as ev
from opsagent.core.events.logs import LogKind, LogsReviewed
from opsagent.core.fold import fold
from opsagent.core.policy import Policy, ReviewPolicy
from opsagent.core.report import daily
from opsagent.core.report.about_logs import review_line
from opsagent.core.report.head import HEAD_BYTES, head
from opsagent.core.state import State

BERLIN = Policy(host="web-1", zone="Europe/Berlin")
MORNING = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)  # half past seven there
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
UP = State(zone="Europe/Berlin", started_at=MORNING - DAY)
HOSTILE = "</script> `x` ](http://evil) <!-- opsagent:9 -->"


def recorded(state: State, event: ev.Event, at: datetime) -> State:
    return fold(state, codec.Recorded(seq=state.seq + 1, at=at, event=event))


def reviewed(state: State, at: datetime, **changes: object) -> State:
    event = LogsReviewed(since=at - DAY, until=at)
    return recorded(state, replace(event, **changes), at)


def test_it_is_due_at_its_local_time_and_not_before() -> None:
    assert not review.due(UP, BERLIN, MORNING - MINUTE)
    assert review.due(UP, BERLIN, MORNING)


def test_it_is_done_once_a_day_whatever_restarts() -> None:
    done = recorded(reviewed(UP, MORNING + MINUTE), ev.DaemonStarted(version="1", pid=1), MORNING + 5 * MINUTE)

    assert not review.due(done, BERLIN, MORNING + timedelta(hours=12))
    assert review.due(done, BERLIN, MORNING + DAY)


def test_a_clock_that_is_set_back_by_a_year_leaves_no_year_without_a_review() -> None:
    ahead = reviewed(UP, MORNING + 365 * DAY)

    assert review.due(ahead, BERLIN, MORNING + MINUTE)
    assert not review.due(reviewed(ahead, MORNING + MINUTE), BERLIN, MORNING + 2 * MINUTE)


def test_a_daemon_that_was_down_at_that_time_does_it_at_its_next_start_of_the_same_day() -> None:
    late = recorded(UP, ev.DaemonStarted(version="1", pid=1), MORNING + timedelta(hours=9))

    assert not review.due(late, BERLIN, MORNING + timedelta(hours=9, minutes=1))
    assert review.due(late, BERLIN, MORNING + timedelta(hours=9, minutes=2))


def test_after_midnight_yesterdays_is_not_made_up_for() -> None:
    assert not review.due(UP, BERLIN, datetime(2026, 11, 28, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "hour"),
    [(date(2026, 3, 28), 6), (date(2026, 3, 29), 5), (date(2026, 10, 24), 5), (date(2026, 10, 25), 6)],
)
def test_clocks_that_change_move_it_with_them(day: date, hour: int) -> None:
    due = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)

    assert not review.due(UP, BERLIN, due - MINUTE)
    assert review.due(UP, BERLIN, due)


def test_a_time_that_a_change_of_the_clock_leaves_out_is_the_first_after_it() -> None:
    policy = replace(BERLIN, review=ReviewPolicy(at="02:30"))

    assert not review.due(UP, policy, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
    assert review.due(UP, policy, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))


def test_one_by_hand_in_the_night_does_not_take_the_mornings_place() -> None:
    assert review.due(reviewed(UP, MORNING - timedelta(hours=3)), BERLIN, MORNING)


def test_switched_off_it_is_done_only_when_somebody_wants_it() -> None:
    off = replace(BERLIN, review=ReviewPolicy(enabled=False))
    asked = recorded(UP, ev.ReviewOrdered(by="ann"), MORNING)

    assert not review.due(UP, off, MORNING)
    assert review.due(asked, off, MORNING)
    assert not review.due(reviewed(asked, MORNING), off, MORNING)


def test_it_reads_from_where_the_last_one_ended_a_week_at_most() -> None:
    assert review.since(UP, MORNING) == MORNING - DAY
    assert review.since(reviewed(UP, MORNING - 2 * DAY), MORNING) == MORNING - 2 * DAY
    assert review.since(reviewed(UP, MORNING - 30 * DAY), MORNING) == MORNING - 7 * DAY


def test_one_that_failed_is_not_tried_again_that_day_and_what_it_did_not_read_is_read_the_next() -> None:
    good = reviewed(UP, MORNING - DAY)
    failed = reviewed(good, MORNING, trouble="cannot read the journal")

    assert not review.due(failed, BERLIN, MORNING + MINUTE)
    assert review.since(failed, MORNING + DAY) == MORNING - DAY


def test_a_review_survives_the_log() -> None:
    kind = LogKind(source="a", text="b", priority=3, count=1)
    event = LogsReviewed(since=MORNING - DAY, until=MORNING, errors=1, new=(kind,), new_kinds=1)

    assert codec.decode("LogsReviewed", codec.encode(event)) == event


def test_a_quiet_day_reads_like_the_example() -> None:
    state = reviewed(UP, MORNING, warnings=31, usual=28, kinds=5)

    assert review_line(state, date(2026, 11, 27)) == "**Logs:** 0 errors, 31 warnings (usual 28), no new kind"
    assert review_line(state, date(2026, 11, 28)) == ""


def test_the_head_names_the_new_kinds_alone_and_hostile_words_stay_words() -> None:
    kinds = [LogKind(source=f"s{n}.service", text=f"{HOSTILE} {n}", priority=3, count=9) for n in range(30)]
    new, more = tuple(kinds[:10]), tuple(kinds[10:20])
    state = reviewed(UP, MORNING, errors=9, new=new, new_kinds=30, more=more, most=tuple(kinds[20:]))

    text = head(state, MORNING, "web-1").text

    assert len(text.encode()) == HEAD_BYTES
    assert "30 new kinds: s0.service" in text
    assert "s10.service" not in text
    assert "<!-- opsagent:9 -->`" not in text.partition("**Logs:**")[0]


def test_a_long_path_is_named_by_its_end() -> None:
    path = "/var/log/postgresql/postgresql-15-main.log"
    state = reviewed(
        UP, MORNING, errors=1, new=(LogKind(source=path, text="no room", priority=2, count=1),), new_kinds=1
    )

    assert "1 new kind: …r/log/postgresql/postgresql-15-main.log `no room`" in review_line(state, date(2026, 11, 27))


def test_the_review_is_one_bounded_entry_of_the_day() -> None:
    kinds = tuple(LogKind(source=f"s{n}.service", text="x" * 300, priority=3, count=9, usual=1) for n in range(10))
    event = LogsReviewed(since=MORNING - DAY, until=MORNING, new=kinds, new_kinds=40, more=kinds, most=kinds)
    after = recorded(UP, event, MORNING)
    (entry,) = daily.entries(UP, after, codec.Recorded(seq=1, at=MORNING, event=event))

    assert entry.text.startswith(
        "## 07:30 logs reviewed since Thu 07:30 · 0 errors, 0 warnings · 40 new kinds\n- **New**"
    )
    assert len(entry.text) < 3000
