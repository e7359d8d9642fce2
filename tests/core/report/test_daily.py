from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core.observation import Reading, Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, Criticality, NotifierPolicy, Policy, RemedyRule
from opsagent.core.report.clock import hhmmss
from opsagent.core.report.daily import entries
from opsagent.core.state import State
from opsagent.core.unit import HostConditions, StopSeen
from tests.core.report.telling import NIGHT, Telling
from tests.core.story_host import StoryHost


def test_a_healed_incident_is_told_once_when_its_repair_is_proved() -> None:
    night = Telling()
    seq = night.incident(message="killed by the kernel for memory")
    action = night.order(seq, reason="api: killed by the kernel for memory; attempt 1 of 3 in 30 min")

    text = night.end(seq, action, "verified", "api good 0.4 s after the order, and ever since")

    assert text == (
        "## 02:14 api healed in 0.4 s · SEV2 · nobody woken · "
        "[001](../incidents/2026/11/OPS-20261118-001.md)\n"
        "- **Saw** killed by the kernel for memory\n"
        "- **Did** restart api.service 02:14:06: it helped: api good 0.4 s after the order, and ever since. "
        "Nothing else was restarted\n"
        "- **Why** attempt 1 of 3 in 30 min\n"
        "- **Seen before** never on this host in 30 days"
    )
    assert len(night.entries) == 1


def test_the_tries_that_did_not_help_are_told_with_the_one_that_did() -> None:
    night = Telling()
    seq = night.incident()
    assert night.end(seq, night.order(seq), "failed") == ""

    text = night.end(seq, night.order(seq, also=("worker.service",)), "verified")

    assert "restart api.service 02:14:06: did not help: still dead" in text
    assert "restart api.service 02:14:11: it helped" in text
    assert "Restarted with it: worker.service" in text


def test_what_was_healed_before_is_seen_again() -> None:
    night = Telling()
    for _ in range(2):
        seq = night.incident()
        night.end(seq, night.order(seq), "verified")
        night.take(ev.IncidentResolved(reason="good"), seq, after=300)
        night.take(ev.IncidentClosed(), seq, after=1800)
    seq = night.incident()

    text = night.end(seq, night.order(seq), "verified")

    assert (
        "**Seen before** 2 times in 30 days, last 2026-11-18 (OPS-20261118-009); what helped: restart 2x (median 0.4 s)"
        in text
    )


def test_a_page_tells_what_was_tried_who_was_told_and_what_is_next() -> None:
    night = Telling()
    seq = night.incident(message="exit 78")
    night.end(seq, night.order(seq), "failed", "exit 78")
    night.end(seq, night.order(seq), "failed", "exit 78")
    child = night.incident("worker", "worker.service")
    night.take(ev.SuppressionChanged(by="parent", reason="needs api, which is down", parent=seq), child)

    text = night.page(seq)

    assert text.startswith("## 02:14 api **not healed** · SEV2 · [001](")
    assert text.count("**Did**") == 1
    assert "- **Did** restart api.service 02:14:06 and 02:14:11: did not help: exit 78. Nothing else" in text
    assert "- **Left alone** worker (needs it)" in text
    assert "- **Told** oncall 02:14 by mail, hook: restart does not help" in text
    assert "- **Next** told again 02:44 unless somebody takes it: `opsagent ack OPS-20261118-001`" in text


def test_without_a_notifier_the_day_says_that_nobody_was_told() -> None:
    night = Telling()
    seq = night.suspect()
    night.confirm(seq, to=Phase.PAGED)

    page = night.page(seq, by=("journal",))

    assert "- **Told** nobody: there is no notifier, it stands in the journal alone" in page


def test_what_is_only_watched_says_what_would_have_been_done() -> None:
    night = Telling()
    seq = night.suspect()
    night.confirm(seq, to=Phase.PAGED)
    refused = ev.ActionRefused(
        remedy="restart", unit="api.service", guard="armed", reason="would have restarted api.service: only watched"
    )

    alone, page = night.take(refused, seq), night.page(seq)

    assert alone == ""
    assert "api is down, **needs you** · SEV2" in page
    assert "- **Would have** restarted api.service: only watched" in page


def test_what_nobody_is_paged_about_at_night_is_told_all_the_same() -> None:
    night = Telling()
    seq = night.suspect()
    night.confirm(seq, Severity.SEV3, Phase.PAGED)

    text = night.take(
        ev.ActionRefused(remedy="restart", unit="api.service", guard="armed", reason="would have restarted it"), seq
    )

    assert text.startswith("## 02:14 api is down · SEV3 · only watched · OPS-20261118-001\n")
    assert "- **Would have** restarted it" in text


@pytest.mark.parametrize(
    ("severity", "words"), [(Severity.SEV3, "SEV3 · held for the day"), (Severity.SEV4, "SEV4 · in the digest")]
)
def test_a_finding_without_a_remedy_is_told_when_it_is_believed(severity: Severity, words: str) -> None:
    night = Telling()
    seq = night.suspect("var-disk", None, "89 %")

    text = night.confirm(seq, severity, Phase.PAGED)

    assert text.startswith(f"## 02:14 var-disk is bad · {words} · OPS-20261118-001\n- **Saw** 89 %")


def test_the_name_of_somebody_elses_alert_is_plain_text_in_every_heading() -> None:
    night = Telling()
    seq = night.suspect("HighLatency<script>", None, "p99")

    assert night.confirm(seq, Severity.SEV3, Phase.PAGED).startswith(r"## 02:14 HighLatency\<script> is bad · SEV3")


def test_by_day_a_finding_is_told_once_by_the_page_that_follows() -> None:
    day = Telling(at=NIGHT + timedelta(hours=10))
    seq = day.suspect("var-disk", None, "89 %")

    believed, page = day.confirm(seq, Severity.SEV3, Phase.PAGED), day.page(seq, reason="there is no remedy")

    assert believed == ""
    assert page.startswith("## 12:14 var-disk is bad, **needs you** · SEV3")


def test_a_reason_that_is_said_already_is_not_said_again() -> None:
    night = Telling()
    seq = night.incident()
    refused = ev.ActionRefused(remedy="restart", unit="api.service", guard="masked", reason="api.service is masked")
    night.take(refused, seq)

    text = night.page(seq, reason="api.service is masked")

    assert text.count("api.service is masked") == 1
    assert "- **Told** oncall 02:14 by mail, hook\n" in text


def test_a_check_that_cannot_look_says_so() -> None:
    night = Telling()
    seq = night.suspect("api", None, "no answer from D-Bus")

    assert "api cannot be looked at · SEV3" in night.confirm(seq, Severity.SEV3, Phase.PAGED, blind=True)


def test_a_repair_beside_a_page_gets_entries_of_its_own() -> None:
    night = Telling()
    seq = night.incident()
    first = night.order(seq)
    page = night.page(seq, reason="SEV1: told at once")
    failed = night.end(seq, first, "failed")

    healed = night.end(seq, night.order(seq), "verified")

    assert page.startswith("## 02:14 api is down, people told while it is repaired · SEV2")
    assert "**Did** restart api.service 02:14:06: still under way" in page
    assert failed.startswith("## 02:14 api tried again, **not healed**")
    assert "did not help: still dead" in failed
    assert "people were told" in healed
    assert healed.count("**Did**") == 1


def test_further_levels_are_told_and_repeats_of_the_last_are_not() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)

    assert "api is down still, oncall told" in night.page(seq, number=2, reason="nobody has taken it")
    assert night.page(seq, number=2, loop=1) == ""


def test_taking_it_is_told_with_the_note_and_renewing_is_not() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)
    until = night.at + timedelta(hours=5)

    taken = night.take(ev.IncidentAcknowledged(by="anna", until=until, note="rolling back"), seq)
    renewed = night.take(ev.IncidentAcknowledged(by="anna", until=until + timedelta(hours=1)), seq)
    ended = night.take(ev.AckEnded(reason="anna has held it until now"), seq)

    assert "api taken by anna · SEV2" in taken
    assert "- **Says** `rolling back`\n- **Next** no repairs and no pages until 07:14" in taken
    assert renewed == ""
    assert "api is nobody's again" in ended


def test_a_recovery_after_a_page_says_who_ended_it() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "failed")
    night.page(seq)
    night.at += timedelta(hours=5)
    night.good(seq)

    text = night.take(ev.IncidentResolved(reason="good since 06:14"), seq, after=300)

    assert text.startswith("## 07:19 api good since 07:14 · SEV2 · after 5 h · [001](")
    assert "- **Ended by** a person, or by itself. Not by me (my 1 try failed)." in text
    assert "- **Proof** api good for 5 min" in text


def test_what_came_back_by_itself_while_the_agent_waited_is_told() -> None:
    night = Telling()
    seq = night.incident()
    night.take(ev.ActionRefused(remedy="restart", unit="api.service", guard="busy", reason="apt is at work"), seq)
    night.good(seq)

    text = night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    assert "api good since 02:14" in text
    assert "I did nothing." in text


def test_closing_it_by_force_is_told_as_what_it_is() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)

    text = night.take(ev.IncidentResolved(reason="known, <b>", by="anna", forced=True), seq)

    assert "api closed by anna **although it still fails**" in text
    assert "- **Because** `known, <b>`" in text
    assert "Proof" not in text


def test_bad_again_after_good_news_is_told() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    relapsed = night.take(ev.Relapsed(to=Phase.REPAIRING, message="dead again"), seq)
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    reopened = night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="dead once more"), seq)

    assert "api is bad again · SEV2" in relapsed
    assert "api is bad again, reopened" in reopened
    assert "- **Saw** dead once more" in reopened


def test_a_new_spell_is_told_from_where_it_began() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="api: dead once more"), seq, after=60)
    night.end(seq, night.order(seq), "failed", "exit 78")

    text = night.page(seq)

    assert text.startswith("## 02:20 api **not healed** · SEV2")
    assert "- **Saw** dead once more\n" in text
    assert text.count("**Did**") == 1
    assert "api healed in 5.8 s" in night.end(seq, night.order(seq), "verified")


def test_a_page_right_after_a_reopening_says_that_the_repair_goes_on() -> None:
    night = Telling()
    seq = night.incident()
    night.page(seq)
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="dead once more"), seq)

    assert "api is down, people told while it is repaired" in night.page(seq)


def test_a_page_right_after_a_reopening_tells_no_old_tries_as_if_they_were_new() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "failed")
    night.page(seq)
    night.good(seq)
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="dead once more"), seq)

    text = night.page(seq)

    assert "api is down, people told while it is repaired" in text
    assert "**Did**" not in text


def test_what_was_seen_is_not_said_again_as_the_reason_of_the_repair() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.Relapsed(to=Phase.REPAIRING, message="api: dead once more"), seq, after=60)

    text = night.end(seq, night.order(seq, reason="api: dead once more; attempt 2 of 3 in 30 min"), "verified")

    assert "- **Why** attempt 2 of 3 in 30 min" in text


def test_a_withdrawn_incident_still_tells_what_was_tried() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "failed")

    text = night.take(ev.IncidentWithdrawn(reason="no longer in the settings"), seq)

    assert "api is no longer looked at" in text
    assert "restart api.service 02:14:06: did not help" in text


def test_what_is_kept_quiet_from_the_start_is_told_with_the_reason() -> None:
    night = Telling()
    seq = night.incident()

    text = night.take(ev.SuppressionChanged(by="maintenance", reason="maintenance window from Sun 02:00"), seq)

    assert "api is down · SEV2 · left alone, nobody told" in text
    assert "- **Why** maintenance window from Sun 02:00" in text


def test_what_is_kept_quiet_and_only_watched_is_told_once() -> None:
    night = Telling()
    seq = night.suspect()
    night.confirm(seq, to=Phase.PAGED)
    refused = ev.ActionRefused(remedy="restart", unit="api.service", guard="armed", reason="would have restarted it")

    quiet = night.take(ev.SuppressionChanged(by="maintenance", reason="maintenance window from Sun 02:00"), seq)

    assert "api is down · SEV2 · left alone, nobody told" in quiet
    assert night.take(refused, seq) == ""


def test_what_is_bad_again_and_kept_quiet_is_told_with_the_reason() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="500"), seq)

    text = night.take(ev.SuppressionChanged(by="parent", reason="needs redis, which is down"), seq)

    assert "api is down · SEV2 · left alone, nobody told" in text
    assert "- **Why** needs redis, which is down" in text


def test_what_is_bad_again_and_good_by_itself_is_told_to_its_end() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")
    night.take(ev.IncidentResolved(reason="good"), seq, after=300)
    night.take(ev.IncidentReopened(to=Phase.REPAIRING, message="500"), seq, after=60)
    night.good(seq)

    text = night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    assert "api good since" in text
    assert "- **Ended by** a person, or by itself. I did nothing." in text


def test_a_repair_that_hold_refuses_is_told_once_with_the_page() -> None:
    night = Telling()
    seq = night.incident()
    night.take(ev.SuppressionChanged(by="hold", reason="HOLD: network work"), seq)

    refused = ev.ActionRefused(remedy="restart", unit="api.service", guard="hold", reason="HOLD: network work")
    assert night.take(refused, seq) == ""
    assert "- **Not tried** HOLD: network work" in night.page(seq)


def test_words_of_people_stand_as_words_of_people() -> None:
    night = Telling()
    seq = night.incident()

    text = night.take(ev.NoteAdded(by="anna", text="first\n# second\n"), seq)

    assert text.endswith("\n- **Says** `first`\n- **Says** `# second`")


STOP = StopSeen(unit="redis-server.service", at=NIGHT, by="root")
ABOUT_THE_HOST: list[tuple[ev.Event, str]] = [
    (ev.DaemonStopped(reason="asked to"), "opsagent stopped · nobody looks until it runs again"),
    (
        ev.SettingsApplied(digest="d", text="", zone="Europe/Berlin", mode="auto", checks=("a", "b"), armed=("a",)),
        "opsagent 0.1 looks after this host · 2 checks · mode auto\n- **Armed** a",
    ),
    (ev.SettingsRefused(errors=("x.yaml:3: `bad`",)), "the old ones stay in force\n- `` x.yaml:3: `bad` ``"),
    (ev.ClockJumped(by=timedelta(hours=-1)), "the clock was set back by 1 h"),
    (
        ev.HostObserved(conditions=HostConditions(hold="deploy")),
        "HOLD is set · nothing is repaired\n- **Says** `deploy`",
    ),
    (ev.OperatorStopped(stop=STOP), "redis-server.service stopped by root · left alone"),
    (
        ev.PauseSet(target="all", until=NIGHT + timedelta(hours=2), pages=True, repairs=True, by="anna", reason="move"),
        "all paused until 04:14\n- **By** anna: no pages and no repairs\n- **Because** `move`",
    ),
    (ev.PauseEnded(target="all"), "the pause of all ended"),
    (ev.FlappingStarted(check="api", percent=40.0), "api is flapping · no repairs, no pages"),
    (ev.FlappingEnded(check="api", percent=4.0, status=Status.OK), "api is steady again · good"),
    (ev.BreakerOpened(keys=("a", "b", "c"), reason="3 failures"), "many things failed at once · all repairs stopped"),
    (ev.BreakerClosed(), "ten quiet minutes · repairs go on"),
    (ev.ChronicHealing(unit="api.service", heals=3, within=timedelta(hours=1)), "api.service **needs you** although"),
    (ev.FindingReceived(by="root", found_at=NIGHT, findings=("/ is full",)), "**At** 02:14 it found:\n- `/ is full`"),
    (
        ev.HeartbeatDone(good=3, bad=1, blind=0, late=90.0, seconds=1.0),
        "heartbeat · 90 s late · 3 good, 1 bad, 0 blind",
    ),
    (
        ev.HeartbeatDone(good=3, bad=0, blind=0, late=0, seconds=1.0, lines=("openssl upgraded",)),
        "- **Changed** openssl upgraded",
    ),
    (ev.MemoryPurged(purged=4, because="a key"), "event 4 was purged\n- **Because** `a key`"),
]


@pytest.mark.parametrize(("event", "words"), ABOUT_THE_HOST, ids=lambda value: type(value).__name__)
def test_what_concerns_the_whole_host_is_told(event: ev.Event, words: str) -> None:
    text = Telling(state=State(zone="Europe/Berlin", version="0.1")).take(event)

    assert text.startswith("## 02:14 ")
    assert words in text


@pytest.mark.parametrize(
    "event",
    [
        ev.HeartbeatDone(good=3, bad=0, blind=0, late=12.0, seconds=1.0),
        ev.BlipSeen(check="api", message="slow", looks=1),
        ev.HealthChanged(check="api", was=Status.OK, now=Status.CRITICAL, message="dead"),
        ev.OperatorStopped(stop=StopSeen(unit="api.service", at=NIGHT, fell_with="redis.service")),
        ev.HostObserved(conditions=HostConditions(busy="apt")),
        ev.CommandTaken(command="Note", by="anna", accepted=True, answer="kept"),
        ev.NotificationSent(key="k"),
        ev.UnknownEvent(type="Later", data="{}"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_no_news_adds_nothing(event: ev.Event) -> None:
    assert Telling().take(event) == ""


def test_hold_is_told_when_it_begins_and_when_it_ends() -> None:
    night = Telling()

    texts = [night.take(ev.HostObserved(conditions=HostConditions(hold=hold))) for hold in ("deploy", "deploy 2", "")]

    assert ["HOLD is set" in texts[0], texts[1], "HOLD is lifted" in texts[2]] == [True, "", True]


def test_an_operators_stop_ends_with_how_long_it_lasted() -> None:
    night = Telling()
    night.take(ev.OperatorStopped(stop=STOP))

    text = night.take(ev.OperatorStopEnded(unit=STOP.unit), after=360)

    assert "redis-server.service runs again, 6 min after it was stopped" in text


def test_a_start_says_how_long_nobody_looked_and_whether_it_had_died() -> None:
    night = Telling(state=State(zone="Europe/Berlin", digest="d"))
    started = ev.DaemonStarted(version="0.1", pid=1)
    first = night.take(started)
    died = night.take(ev.DaemonStarted(version="0.1", pid=1, missed=timedelta(minutes=12)))
    night.take(ev.DaemonStopped(reason="asked"))

    assert first == "## 02:14 opsagent 0.1 started"
    assert died.startswith(
        "## 02:14 opsagent 0.1 started · nobody looked for 12 min\n- **Before** it had ended without"
    )
    assert night.take(started) == first


def test_the_very_first_start_waits_for_the_settings_that_know_the_zone() -> None:
    night = Telling(state=State())
    applied = ev.SettingsApplied(digest="d", text="", zone="Europe/Berlin", mode="observe", checks=("a",), armed=())

    assert night.take(ev.DaemonStarted(version="0.1", pid=1)) == ""
    assert night.take(applied).startswith("## 02:14 opsagent 0.1 looks after this host · 1 checks · mode observe")


def test_a_message_that_reached_nobody_is_told() -> None:
    night = Telling()
    queued = ev.NotificationQueued(
        key="k",
        notifier="mail",
        level="oncall",
        kind="page",
        title="api down",
        body="",
        reason="",
        expires_at=NIGHT + timedelta(days=1),
    )
    night.take(queued)
    retried = night.take(ev.NotificationFailed(key="k", reason="refused", next_at=NIGHT + timedelta(seconds=30)))

    lost = night.take(ev.NotificationFailed(key="k", reason="550 no such user", next_at=None))

    assert retried == ""
    assert "**not delivered** by mail\n- **Message** `api down`\n- **Because** `550 no such user`" in lost


def test_a_message_that_grew_too_old_is_told_and_one_that_was_withdrawn_is_not() -> None:
    night = Telling()
    for key, hours in (("old", 0), ("new", 9)):
        queued = ev.NotificationQueued(
            key=key,
            notifier="mail",
            level="oncall",
            kind="page",
            title="api down",
            body="",
            reason="",
            expires_at=NIGHT + timedelta(hours=hours),
        )
        night.take(queued)

    assert "**not delivered** by mail" in night.take(ev.NotificationExpired(key="old", reason="older than a day"))
    assert night.take(ev.NotificationExpired(key="new", reason="taken by anna before")) == ""


def test_settings_that_did_not_change_are_no_news() -> None:
    night = Telling()
    applied = ev.SettingsApplied(digest="d", text="", zone="Europe/Berlin", mode="auto", checks=("a",), armed=())
    night.take(applied)

    assert night.take(applied) == ""
    later = ev.SettingsApplied(digest="e", text="", zone="Europe/Berlin", mode="auto", checks=("b",), armed=())
    assert "- **New** b\n- **Gone** a" in night.take(later)


def test_one_minute_apart_over_midnight_is_two_days() -> None:
    night = Telling(at=datetime(2026, 11, 18, 22, 59, tzinfo=UTC))
    night.take(ev.BreakerClosed())
    night.take(ev.BreakerClosed(), after=120)

    assert [(entry.date, entry.text[:8]) for entry in night.entries] == [
        (date(2026, 11, 18), "## 23:59"),
        (date(2026, 11, 19), "## 00:01"),
    ]


def test_trouble_that_began_yesterday_says_so() -> None:
    night = Telling(at=datetime(2026, 11, 18, 22, 59, tzinfo=UTC))
    seq = night.incident()
    night.page(seq)
    night.at += timedelta(minutes=10)
    night.good(seq)

    text = night.take(ev.IncidentResolved(reason="good"), seq, after=300)

    assert text.startswith("## 00:14 api good since 00:09 · SEV2 · after 10 min")
    assert night.entries[-1].date == date(2026, 11, 19)


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    night = Telling(at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    first = night.take(ev.BreakerClosed())
    second = night.take(ev.BreakerClosed(), after=3600)
    third = night.take(ev.BreakerClosed(), after=3600)

    assert [text[:13] for text in (first, second, third)] == ["## 02:30 CEST", "## 02:30 CET ", "## 03:30 ten "]


API = CheckPolicy(
    name="api",
    kind="http",
    unit="api.service",
    every=timedelta(seconds=10),
    repair=(RemedyRule(do="restart"),),
    criticality=Criticality.IMPORTANT,
)
POLICY = Policy(host="web-1", checks=(API,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),))
STEPS = st.lists(st.sampled_from(["good", "bad", "dead", "done", "failed", "refused", "wait"]), min_size=5, max_size=40)


@settings(max_examples=40, deadline=None)
@given(STEPS)
@example(["dead", "failed", "wait", "wait", "wait", "failed", "bad"])
@example(["good", "good", "dead", "done", "dead"])
@example(["dead", "done", "bad", "bad", "bad", "wait", "wait", "done"])
def test_every_order_that_went_out_is_found_in_the_days_story(steps: list[str]) -> None:
    host = StoryHost(POLICY)
    told: list[str] = []
    host.orders.remember = lambda turn: told.extend(e.text for step in turn for e in entries(*step))
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="a" * 32)
    host.good("api")
    for step in [*steps, "done", *["good", "done"] * 45]:
        host.pass_(seconds=5)
        if step == "dead":
            host.unit("api.service", active_state="failed", sub_state="failed", result="signal")
        elif step == "bad":
            host.look("api", Reading(status=Status.CRITICAL, message="500", failure_class="status"))
        elif step == "good":
            host.good("api")
        elif step != "wait" and any(one.running for one in host.agent.state.incidents.values()):
            host.carry_out(result=step, active_state="active", invocation_id="b" * 32, inactive_exit_at=host.now)
        host.answer_facts()

    ordered = [one.at for one in host.recorded if isinstance(one.event, ev.ActionRequested)]
    lines = re.findall(r"\*\*Did\*\* restart api\.service ([\d:]+(?: and [\d:]+)*): ", "\n".join(told))
    times = {time for line in lines for time in line.split(" and ")}
    unjudged = {one.running.at for one in host.agent.state.incidents.values() if one.running}
    assert {hhmmss(at, "UTC") for at in ordered if at not in unjudged} <= times


def test_an_event_about_an_incident_that_is_not_known_adds_nothing() -> None:
    state = State(seq=3)
    recorded = Telling()
    recorded.state = state

    assert recorded.take(ev.NoteAdded(by="anna", text="x"), 1) == ""
