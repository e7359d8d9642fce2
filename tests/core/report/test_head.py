from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core.observation import Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.report.head import HEAD_BYTES, continued_head, fitted, head, past_head, refitted
from opsagent.core.report.markdown import cut
from opsagent.core.report.standing import todays
from opsagent.core.state import Blip, Day, Known, Owed, State
from opsagent.core.timing import local_date
from opsagent.core.unit import HostConditions, StopSeen
from tests.core.report.hostile import HOSTILE
from tests.core.report.telling import NIGHT, Telling

QUIET = State(
    zone="Europe/Berlin",
    mode="auto",
    checks=("api", "www"),
    armed=("api",),
    started_at=NIGHT - timedelta(days=31),
    health={"api": Known(status=Status.OK, since=NIGHT, message="200")},
    day=Day(date=date(2026, 11, 18), heartbeats=5, last_heartbeat_at=NIGHT),
)
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=200))


def well_formed(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(text.encode()) == HEAD_BYTES
        and lines[0].startswith("# ")
        and lines[1].startswith("<!-- opsagent:head ")
        and lines[1].endswith(" · do not edit between the marks -->")
        and lines[-2:] == ["<!-- /opsagent:head -->", ""]
    )


def test_a_quiet_day_says_first_that_nobody_is_needed() -> None:
    top = head(QUIET, NIGHT, "web-1")

    assert top.date == date(2026, 11, 18)
    assert well_formed(top.text)
    assert top.text.split("\n")[:4] == [
        "# Wed 2026-11-18 · web-1 · nothing needs you",
        "<!-- opsagent:head 02:14 · do not edit between the marks -->",
        "**0 open · 0 pages · 0 restarts · 0 blips** · armed: api · only watched: 1 other",
        (
            "Heartbeats 5 of 5, last 02:14 · checks 1 good, 0 blind, 1 not known yet · daemon up 31 d"
            " · times Europe/Berlin"
        ),
    ]


def test_one_who_is_needed_reads_why_in_the_title() -> None:
    night = Telling()
    seq = night.incident("billing", "billing.service", "exit 78")
    night.page(seq)
    night.take(ev.IncidentAcknowledged(by="anna", until=night.at + timedelta(hours=5)), seq, after=480)

    lines = head(night.state, night.at, "web-1").text.split("\n")

    assert lines[0] == "# Wed 2026-11-18 · web-1 · **1 needs you: billing is down**"
    assert lines[2] == (
        "**Open:** `billing` SEV2 since 02:14, exit 78. Taken 02:22 by anna; hands off. "
        "[001](../incidents/2026/11/OPS-20261118-001.md)"
    )


def test_what_the_agent_repairs_itself_needs_nobody() -> None:
    night = Telling()
    night.incident()

    lines = head(night.state, night.at, "web-1").text.split("\n")

    assert lines[0].endswith("nothing needs you")
    assert lines[2] == "**Open:** `api` SEV2 since 02:14, dead. Repairing. OPS-20261118-001"


def test_the_worst_comes_first_and_the_rest_is_counted() -> None:
    night = Telling()
    for number in range(12):
        seq = night.suspect(f"disk-{number}", None, "full " * 20)
        night.confirm(seq, Severity.SEV1 if number == 9 else Severity.SEV3, Phase.PAGED)

    text = head(night.state, night.at, "web-1").text

    assert well_formed(text)
    assert "**12 need you: disk-9, disk-0, disk-1 and 9 more**" in text
    assert text.split("\n")[2].startswith("**Open:** `disk-9` SEV1")
    kept = text.count("**Open:**")
    assert f"**and {12 - kept} more:** opsagent status" in text
    assert "times Europe/Berlin" in text


def test_a_warning_and_what_is_kept_quiet_need_nobody() -> None:
    night = Telling()
    night.confirm(night.suspect("ram", None), Severity.SEV4, Phase.PAGED)
    child = night.suspect("worker", "worker.service")
    night.confirm(child, to=Phase.PAGED)
    night.take(ev.SuppressionChanged(by="maintenance", reason="window"), child)

    assert head(night.state, night.at, "web-1").text.split("\n")[0].endswith("nothing needs you")


def test_what_holds_the_agent_back_stands_before_everything() -> None:
    night = Telling()
    night.take(ev.HostObserved(conditions=HostConditions(hold="deploy until 9")))
    night.take(ev.OperatorStopped(stop=StopSeen(unit="redis.service", at=NIGHT)))
    night.take(ev.BreakerOpened(keys=("a",), reason="many"))
    night.take(ev.FlappingStarted(check="www", percent=40))

    lines = head(night.state, night.at, "web-1").text.split("\n")

    assert lines[2:6] == [
        "**HOLD:** deploy until 9: nothing is repaired",
        "**Breaker open** since 02:14: no repairs",
        "**Flapping:** www",
        "**Stopped by an operator, left alone:** redis.service",
    ]


def test_the_head_says_who_has_each_open_incident() -> None:
    night = Telling()
    digest, snoozed, untold, told = (night.suspect(f"d{number}", None, "bad") for number in range(4))
    night.confirm(digest, Severity.SEV4, Phase.PAGED)
    for seq in (snoozed, untold, told):
        night.confirm(seq, Severity.SEV3, Phase.PAGED)
    night.page(told)
    night.take(ev.IncidentSnoozed(by="anna", until=NIGHT + timedelta(hours=2), reason="known"), snoozed)

    lines = head(night.state, night.at, "h").text.split("\n")

    assert [line.split("bad. ")[1].split(".")[0] for line in lines if line.startswith("**Open:**")] == [
        "Quiet until 04:14",
        "Nobody told yet",
        "Waiting for a person",
        "In the digest",
    ]


def test_who_was_told_of_the_root_was_told_of_what_fell_with_it() -> None:
    night = Telling()
    root, child = night.suspect("db", None, "bad"), night.suspect("api", None, "bad")
    for seq in (root, child):
        night.confirm(seq, Severity.SEV3, Phase.PAGED)
    night.take(ev.SuppressionChanged(by="parent", reason="needs db", parent=root), child)
    night.page(root)
    night.take(ev.SuppressionChanged(by=None, reason="no longer kept quiet"), child)

    [said] = [line for line in head(night.state, night.at, "h").text.split("\n") if "`api`" in line]

    assert f"bad. Told with {night.one(root).label}." in said


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("act renew_certificate", "`opsagent trust api.service act renew_certificate`"),
        (f"act {'renew' * 12}", "`opsagent trust`"),
    ],
)
def test_the_command_that_gives_trust_is_whole_or_not_there(remedy: str, shown: str) -> None:
    night = Telling()
    night.take(ev.TrustEarned(key="api.service", check="api", remedy=remedy, worked=5))
    today = local_date(night.at, "Europe/Berlin")

    assert todays(night.state, (), today).endswith(shown)


def test_what_is_healed_too_often_is_named_on_that_day() -> None:
    night = Telling()
    night.take(ev.ChronicHealing(unit="api.service", heals=3, within=timedelta(hours=1)))

    assert "**Today:** 1. api.service: healed too often, look for the cause\n" in head(night.state, night.at, "h").text
    assert "too often" not in head(night.state, night.at + timedelta(days=1), "h").text


def test_a_page_that_waits_for_delivery_is_not_hidden() -> None:
    owed = Owed(
        key="k",
        seq=1,
        notifier="mail",
        level="",
        kind="page",
        incident=None,
        title="",
        body="",
        reason="",
        queued_at=NIGHT,
        next_at=NIGHT,
        expires_at=NIGHT,
        attempts=3,
        last_error="connection refused",
    )

    assert (
        "**Not delivered yet:** 1, last error connection refused"
        in head(replace(QUIET, owed={"k": owed}), NIGHT, "h").text
    )


def test_the_figures_of_another_day_are_not_todays() -> None:
    text = head(QUIET, NIGHT + timedelta(days=1), "web-1").text

    assert text.startswith("# Thu 2026-11-19")
    assert "Heartbeats 0 of 0 ·" in text


def test_actions_are_counted_with_the_busiest_hour() -> None:
    times = tuple(NIGHT + timedelta(minutes=minutes) for minutes in (0, 30, 59, 200))
    blip = Blip(check="api", message="slow", at=NIGHT)
    state = replace(QUIET, day=Day(date=date(2026, 11, 18), actions=times, pages=1, blips=(blip,)))

    text = head(state, NIGHT, "h").text

    assert "**pages** 1 · **restarts** 4, at most 3 in one hour (limit 6) · **blips** 1 · armed: api" in text
    assert "**Blips, not acted on:** api 02:14 (slow)\n" in text


@settings(max_examples=200)
@given(st.text(max_size=400), TEXT, st.lists(TEXT, max_size=12), st.lists(TEXT, max_size=2))
def test_a_head_has_always_the_same_length(title: str, mark: str, first: list[str], last: list[str]) -> None:
    def plain(text: str) -> str:
        return " ".join(cut(text, 1000).split())

    text = fitted(
        title=plain(title),
        mark=plain(mark)[:20],
        first=[plain(one) for one in first],
        last=[plain(one) for one in last],
    )

    assert len(text.encode()) == HEAD_BYTES


@settings(max_examples=60, deadline=None)
@given(TEXT, st.lists(TEXT, max_size=8), TEXT, st.dates(date(2026, 1, 1), date(2027, 1, 1)))
def test_whatever_comes_from_outside_a_head_is_a_head(host: str, messages: list[str], hold: str, day: date) -> None:
    night = Telling(at=datetime(day.year, day.month, day.day, 23, 30, tzinfo=UTC))
    night.take(ev.HostObserved(conditions=HostConditions(hold=hold)))
    for number, message in enumerate(messages):
        seq = night.suspect(f"check-{number}", None, message)
        night.confirm(seq, Severity.SEV2, Phase.PAGED)
        night.take(ev.PauseSet(target=message, until=night.at, pages=True, repairs=True, by=message, reason=message))

    assert well_formed(head(night.state, night.at, host).text)
    assert well_formed(past_head(day, host, "Europe/Berlin").text)
    assert well_formed(continued_head(day, host, "x-2.md").text)


def test_a_redaction_keeps_the_length_and_everything_else() -> None:
    night = Telling()
    seq = night.incident(message="refused password=hunter2")
    night.page(seq)
    before = head(night.state, night.at, "web-1").text

    after = refitted(before, lambda text: text.replace("hunter2", "[redacted:password:7:aabbccdd]"))

    assert well_formed(after)
    assert "hunter2" not in after
    assert "password=[redacted:password:7:aabbccdd]. Waiting for a person" in after
    assert after.split("\n")[:2] == before.split("\n")[:2]
    assert "times Europe/Berlin" in after
    assert refitted(before, lambda text: text) == before


def test_cutting_never_splits_a_character() -> None:
    assert cut("ääää", 7) == "ää…"
    assert cut("ääää", 8) == "ääää"
