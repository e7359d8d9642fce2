"""The lines at the end of a head, and what stands over a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from opsagent.core import contract, inbox
from opsagent.core import events as ev
from opsagent.core.observation import Measure, Reading, Severity, Status
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, HostBudget, NotifierPolicy, Policy
from opsagent.core.report.figures import blips, coming, figures, watch
from opsagent.core.report.head import HEAD_BYTES, head
from opsagent.core.report.standing import standing, todays
from opsagent.core.state import Day, State
from opsagent.core.trend import Coming
from opsagent.core.wording import needs_you
from tests.core.report.telling import NIGHT, Telling
from tests.core.story_host import StoryHost

TODAY = date(2026, 11, 18)
QUEUED = ev.NotificationQueued(
    key="k", notifier="mail", level="", kind="page", title="", body="", reason="", expires_at=NIGHT + timedelta(days=1)
)


def applied(**more: object) -> ev.SettingsApplied:
    fields: dict[str, object] = {"digest": "d", "text": "", "zone": "Europe/Berlin", "mode": "auto"}
    return ev.SettingsApplied(**{**fields, "checks": ("api", "www"), "armed": ("api",), **more})


def test_what_is_armed_is_named_and_the_others_are_counted() -> None:
    many = tuple(f"check-{number}" for number in range(14))
    night = Telling()
    night.take(applied(checks=many, armed=many[:2]))

    assert figures(night.state, TODAY).endswith("** · armed: check-0, check-1 · only watched: 12 others")
    night.take(applied(digest="e", checks=many, armed=many[:2], mode="observe"))
    assert figures(night.state, TODAY).endswith("** · only watched: 14 checks")


def test_a_repair_by_another_hand_is_not_called_a_restart() -> None:
    night = Telling()
    seq = night.incident()
    night.take(applied(budget=HostBudget(actions=4, within=timedelta(minutes=20))))
    night.order(seq)
    assert " · **restarts** 1, at most 1 in 20 min (limit 4) · " in figures(night.state, TODAY)

    night.order(seq, remedy="command")

    assert " · **repairs** 2, at most 2 in 20 min (limit 4) · " in figures(night.state, TODAY)


def test_who_was_healed_is_named_with_the_time() -> None:
    night = Telling()
    seq = night.incident()
    night.end(seq, night.order(seq), "verified")

    assert " · **healed alone** 1 (api 02:14) · " in figures(night.state, TODAY)


def test_a_check_that_cannot_look_is_blind_and_not_good() -> None:
    night = Telling()
    night.take(applied(armed=()))
    for name in ("api", "www"):
        night.take(ev.HealthChanged(check=name, was=Status.OK, now=Status.OK, message="200"))
    assert "checks 2 good, 0 blind" in watch(night.state, NIGHT, TODAY)

    night.confirm(night.suspect("www", None, "no answer"), to=Phase.PAGED, blind=True)
    night.take(ev.HealthChanged(check="api", was=Status.OK, now=Status.CRITICAL, message="500"))

    assert "checks 0 good, 1 bad, 1 blind" in watch(night.state, NIGHT, TODAY)


def test_a_notifier_is_proven_by_what_it_delivered() -> None:
    night = Telling(at=datetime(2026, 11, 16, 8, 0, tzinfo=UTC))
    night.take(applied(notifiers=("mail", "hook")))
    night.take(QUEUED)
    night.take(ev.NotificationSent(key="k"))

    assert "mail proven Mon 09:00 · hook not proven yet" in watch(night.state, NIGHT, TODAY)
    night.take(applied(digest="e", notifiers=("hook",)))
    assert "mail" not in watch(night.state, NIGHT, TODAY)


def test_a_dead_man_is_named_only_where_there_is_one() -> None:
    night = Telling()
    assert "dead man" not in watch(night.state, NIGHT, TODAY)

    assert night.take(ev.DeadManHeard()) == ""

    assert "dead man answered 02:14" in watch(night.state, NIGHT, TODAY)
    assert standing(night.state, TODAY) == ()
    night.take(applied())
    assert "dead man" not in watch(night.state, NIGHT, TODAY)


def test_a_dead_man_that_does_not_answer_is_told_once_and_stands_in_the_head() -> None:
    night = Telling()
    night.take(ev.DeadManHeard())

    told = night.take(ev.DeadManHeard(said="it answered 404"), after=60)
    again = night.take(ev.DeadManHeard(said="cannot connect"), after=1800)

    assert told == "## 02:15 **the dead man's switch does not answer**\n- **Because** it answered 404"
    assert again == ""
    assert standing(night.state, TODAY) == ("**Dead man does not answer** since 02:15: cannot connect",)
    assert "dead man" not in watch(night.state, NIGHT, TODAY)
    assert night.take(ev.DeadManHeard()) == "## 02:45 the dead man's switch answers again, after 30 min"


def test_an_answer_of_the_dead_man_is_recorded_once_in_a_heartbeats_time() -> None:
    host = StoryHost(Policy(host="h"))
    for _ in range(13):
        host.take(inbox.LifeSigned())
        host.now += timedelta(minutes=5)
    host.take(inbox.LifeSigned(said="it answered 500"))

    assert [one.said for one in host.events(ev.DeadManHeard)] == ["", "", "", "it answered 500"]


def test_what_comes_is_told_with_its_day() -> None:
    slow = Coming(check="root", value=71, limit=85, per_day=0.4, at=NIGHT + timedelta(days=35))
    quick = Coming(check="var", value=89, limit=95, per_day=9.6, at=NIGHT + timedelta(hours=15))
    ending = Coming(check="www", value=23.9, limit=0, per_day=-1, at=NIGHT + timedelta(days=23.9), unit="days")
    over = replace(quick, check="gone", at=NIGHT - timedelta(hours=1))
    state = State(zone="Europe/Berlin", coming=(over, quick, ending, slow))

    assert coming(state, NIGHT, TODAY) == (
        "**Coming:** var 89 %, +0.4 % an hour, 95 % at about 17:14 · certificate www 23 days left"
        " · root 71 %, +0.4 % a day, 85 % in about 35 days"
    )


def reading(name: str, value: float, limit: float | None = None, unit: str = "%") -> Reading:
    return Reading(
        status=Status.OK, message="fine", measures=(Measure(name=name, value=value, unit=unit, limit=limit),)
    )


def test_a_heartbeat_forecasts_from_what_was_recorded() -> None:
    checks = tuple(
        CheckPolicy(name=name, kind=kind) for name, kind in (("root", "disk"), ("www", "http"), ("x", "cpu"))
    )
    host = StoryHost(Policy(host="h", checks=checks))
    past = tuple((host.now - timedelta(hours=ago), 80 - ago / 10) for ago in range(100, 0, -1))
    host.look("root", reading("disk", 80.0, 85.0))
    host.look("www", reading("tls_days", 23.4, unit=""))
    host.look("x", reading("cpu", 80.0, 85.0))

    host.take(inbox.Beat(late=0, seconds=0.1, past={"root": past, "x": past}))

    assert [(one.check, one.limit, one.unit) for one in host.agent.state.coming] == [
        ("root", 85, "%"),
        ("www", 0, "days"),
    ]
    host.look("root", reading("disk", 40.0, 85.0))
    host.look("www", reading("tls_days", 89.0, unit=""))
    host.take(inbox.Beat(late=0, seconds=0.1, past={"root": past}))
    assert [(one.check, one.value) for one in host.agent.state.coming] == [("root", 40)]  # cleaned up: from there on


def test_blips_are_told_with_their_words_and_the_many_are_counted() -> None:
    night = Telling()
    assert blips(night.state, TODAY) == ""
    for number in range(5):
        night.take(ev.BlipSeen(check="api", message=f"slow: 2.{number} s", looks=1), after=60)

    assert blips(night.state, TODAY) == (
        "**Blips, not acted on:** api 02:17 (slow: 2.2 s) · api 02:18 (slow: 2.3 s) · api 02:19 (slow: 2.4 s)"
        " · and 2 before"
    )


def test_what_is_left_for_a_person_is_numbered() -> None:
    night = Telling()
    billing = night.incident("billing", "billing.service", "exit 78")
    night.end(billing, night.order(billing), "failed")
    night.page(billing)
    taken = night.incident("web", "nginx.service")
    night.page(taken)
    night.take(ev.IncidentAcknowledged(by="anna", until=night.at + timedelta(hours=1)), taken)
    night.take(ev.RightsCompared(lacking="run x"))
    night.take(ev.ChronicHealing(unit="api.service", heals=4, within=timedelta(days=1)))
    needed = [one for one in night.state.open_incidents if needs_you(one)]

    assert todays(night.state, needed, TODAY) == (
        "**Today:** 1. billing: restart does not help, find the cause (`opsagent show OPS-20261118-001`)"
        " · 2. web: anna has it until 03:14 · 3. the rights do not fit the settings: `opsagent install --refresh`"
        " · and 1 more"
    )
    assert todays(Telling().state, (), TODAY) == ""


def test_the_same_complaint_with_another_figure_is_no_news() -> None:
    night, beat = Telling(), ev.HeartbeatDone(good=1, bad=0, blind=0, late=0, seconds=1)

    first = night.take(replace(beat, lines=("the disk has 40 MiB left",)))
    second = night.take(replace(beat, lines=("the disk has 39 MiB left",)), after=1800)

    assert first.endswith("- **Changed** the disk has 40 MiB left")
    assert second == ""
    assert "**Room:** the disk has 39 MiB left" in head(night.state, night.at, "h").text


@pytest.mark.parametrize("count", [0, 1, 6, 30])
def test_a_full_head_drops_what_is_spare_first(count: int) -> None:
    night = Telling()
    night.take(applied(notifiers=tuple(f"notifier-{number}" for number in range(9))))
    for number in range(count):
        night.confirm(night.suspect(f"disk-{number}", None, "full " * 9), Severity.SEV2, Phase.PAGED)
    day = Day(date=TODAY, blips=(), heartbeats=7)
    many = tuple(
        Coming(check=f"disk-{n}", value=71, limit=85, per_day=0.4, at=NIGHT + timedelta(days=35)) for n in range(5)
    )
    text = head(replace(night.state, day=day, coming=many), NIGHT, "web-1").text

    assert len(text.encode()) == HEAD_BYTES
    assert "Heartbeats 7 of 7" in text
    assert "times Europe/Berlin" in text
    assert ("**Today:** 1. disk-0: " in text) is (count == 1)
    assert ("**Coming:**" in text) is (count < 6)


def test_the_notifiers_of_the_settings_are_recorded_with_them() -> None:
    host = StoryHost(Policy(host="h", notifiers=(NotifierPolicy(name="mail", kind="apprise"),)))

    host.take(inbox.SettingsRead(policy=host.agent.policy, digest="d", text=""))

    assert host.agent.state.notifiers == ("mail",)
    assert host.agent.state.heartbeat == timedelta(minutes=30)


def test_what_could_not_be_delivered_is_said_with_the_reason_until_it_is() -> None:
    night = Telling()
    night.take(QUEUED)
    first = contract.undelivered(night.state)

    night.take(ev.NotificationFailed(key="k", reason="no such name", next_at=NIGHT + timedelta(seconds=30)))
    failed = contract.status(night.state, Policy(host="web-1"), {}, night.at)["troubles"]
    night.take(ev.NotificationSent(key="k"))

    assert (first, contract.undelivered(night.state)) == ([], [])
    assert failed == ["one message is not delivered yet by mail: no such name"]
