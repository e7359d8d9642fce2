"""What others changed: whose hands it holds back, what it is told with, what is remembered of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import changes, inbox, nearness, why
from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.aliases import public
from opsagent.core.before import Before
from opsagent.core.change import Change, ChangeKind, phrase
from opsagent.core.contract import incident as incident_json
from opsagent.core.fold import replay
from opsagent.core.message import Message, MessageKind
from opsagent.core.phase import Outcome, Repair
from opsagent.core.report.about_changes import decision
from opsagent.core.report.daily import entries
from opsagent.core.report.head import head
from opsagent.core.report.incident_file import incident_file
from opsagent.core.state import State
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY

PACKAGE = Change(
    kind=ChangeKind.PACKAGE,
    subject="api",
    what="1.22 → 1.24",
    at=NOON,
    units=("api.service",),
    by="ann",
    mark="dpkg:1",
)


def host_of(check: object = API) -> LiveHost:
    host = LiveHost(replace(POLICY, checks=(check,)))
    host.serve(check.unit)
    host.run(seconds=60)
    return host


def found(host: LiveHost, change: Change = PACKAGE, **ago: float) -> Change:
    made = replace(change, at=host.now - timedelta(**ago))
    host.take(inbox.ChangesFound(changes=(made,)))
    return made


def restarts(host: LiveHost) -> int:
    return len(host.services["api.service"].restarts)


def refusals(host: LiveHost) -> list[str]:
    return [one.guard for one in host.incident.actions if one.outcome is Outcome.REFUSED]


@pytest.mark.parametrize("kind", [ChangeKind.PACKAGE, ChangeKind.UNIT_FILE, ChangeKind.CONFIG, ChangeKind.DEPLOY])
def test_a_unit_that_was_just_changed_is_left_to_those_who_changed_it_for_ten_minutes(kind: ChangeKind) -> None:
    host = host_of()
    found(host, replace(PACKAGE, kind=kind), minutes=1)

    host.kill("api.service")
    host.run(minutes=8.5)
    early, waiting = restarts(host), host.incident.repair
    host.run(minutes=1)

    assert (early, waiting) == (0, Repair.WAITING)
    assert refusals(host) == ["deploy"]
    assert "no repair before 2026-11-18 12:10 UTC (" in host.incident.actions[0].reason
    assert restarts(host) == 1


def test_a_deploy_that_somebody_reports_holds_its_unit_and_no_other() -> None:
    other = replace(API, name="web", unit="web.service")
    host = LiveHost(replace(POLICY, checks=(API, other)))
    host.serve("api.service")
    host.serve("web.service")
    host.run(seconds=60)

    answer = host.ask(cmd.ReportChange(by="ann", text="api 2.3", unit="api"))
    host.kill("api.service")
    host.kill("web.service")
    host.run(seconds=30)

    assert answer.text == "noted; no repair of api.service before 2026-11-18 12:11 UTC"
    assert (restarts(host), len(host.services["web.service"].restarts)) == (0, 1)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (
            cmd.ReportChange(by="ann", text="x", change="party"),
            "cannot take a change of kind 'party', allowed: deploy,",
        ),
        (cmd.ReportChange(by="ann", text=" "), "cannot keep a change without a word about it"),
        (cmd.ReportChange(by="ann", text="new menu"), "noted; it holds no repair back, for it names no unit"),
        (cmd.ReportChange(by="ann", text="x", unit="mail"), "noted; nothing watches mail.service"),
        (
            cmd.ReportChange(by="ann", text="x", unit="api", uuid="u", asked_at=NOON - timedelta(hours=1)),
            "noted; it is long enough ago for api.service to be repaired",
        ),
    ],
)
def test_whoever_reports_a_change_hears_what_follows_from_it(command: cmd.ReportChange, answer: str) -> None:
    assert host_of().ask(command).text.startswith(answer)


def test_what_changed_while_nothing_of_it_is_the_units_own_holds_nothing() -> None:
    host = host_of()
    found(host, replace(PACKAGE, units=()), minutes=1)
    found(host, replace(PACKAGE, kind=ChangeKind.REBOOT, mark="b"), minutes=1)
    found(host, replace(PACKAGE, kind=ChangeKind.UNIT_FILE, subject="/etc/systemd/system/x.timer", units=(), mark="c"))

    host.kill("api.service")

    assert restarts(host) == 1
    lasting = [
        decision(host.agent.state, one, "web-1") for one in host.recorded if isinstance(one.event, ev.ChangeSeen)
    ]
    assert [one is not None for one in lasting] == [False, False, True]


def test_a_unit_that_goes_bad_after_its_own_change_is_told_with_it() -> None:
    host = host_of(replace(API, repair=()))
    found(host, replace(PACKAGE, kind=ChangeKind.SUDO, subject="ann", what="systemctl", mark="s"), minutes=2)
    change = found(host, replace(PACKAGE, diff=("-a", "+b")), minutes=4)

    host.kill("api.service")
    host.run(minutes=6)

    incident = host.incident
    assert incident.after_change == "bad 4 min after package api 1.22 → 1.24, by ann"
    assert [one.kind for one in incident.changes] == [ChangeKind.SUDO, ChangeKind.PACKAGE]
    assert incident.changes[1] == change
    told = incident_json(incident)
    assert (told["after_change"], [one["kind"] for one in told["changes"]]) == (
        incident.after_change,
        ["sudo", "package"],
    )
    assert "It was bad 4 min after package api 1.22 → 1.24, by ann." in host.told("page")[0].body
    file = incident_file(incident, "web-1", Before()).partition("## Changed before")[2]
    assert (
        file.index("4 min before, its package: package api 1.22") < file.index("+b") < file.index("sudo ann systemctl")
    )
    assert any(
        "Changed before, nearest first: bad 4 min" in line for line in why.lines(host.agent.world(host.now), "api")
    )


def test_the_nearest_change_is_told_first_and_is_not_pushed_out_by_many_others() -> None:
    need = replace(API, name="db", unit="db.service", repair=())
    host = LiveHost(replace(POLICY, checks=(replace(API, depends_on=("db",), repair=()), need)))
    host.serve("api.service")
    host.serve("db.service")
    host.run(seconds=60)
    config = replace(PACKAGE, kind=ChangeKind.CONFIG, subject="/etc/api.yaml", what="edited", mark="c")
    found(host, config, hours=3)
    found(host, replace(PACKAGE, units=("db.service",), subject="db", mark="d"), hours=2)
    for n in range(20):
        found(host, replace(PACKAGE, units=(), subject=f"lib{n}", mark=f"l{n}"), minutes=60 - n)

    host.kill("api.service")
    host.run(minutes=1)

    incident = next(one for one in host.agent.state.open_incidents if one.check == "api")
    assert len(incident.changes) == changes.MOST
    assert [one.at for one in incident.changes] == sorted((one.at for one in incident.changes), reverse=True)
    assert [one.nearness for one in nearness.ranked(incident)[:3]] == ["own", "dependency", "host"]
    (own,) = [one for one in incident_json(incident)["changes"] if one["nearness"] == "own"]
    assert (own["subject"], own["age_seconds"] // 60) == ("/etc/api.yaml", 180)
    said = next(line for line in why.lines(host.agent.world(host.now), "api") if line.startswith("Changed before"))
    assert "nearest first: 3 h before, its own: configuration /etc/api.yaml edited, by ann; 2 h before, of what" in said
    assert replay(State(), host.recorded) == (host.agent.state, 0)


def test_a_change_long_before_is_named_but_blamed_for_nothing() -> None:
    host = host_of()
    found(host, minutes=40)

    host.kill("api.service")

    assert host.incident.after_change == ""
    assert [phrase(one) for one in host.incident.changes] == ["package api 1.22 → 1.24, by ann"]
    assert restarts(host) == 1


def test_a_change_that_is_found_only_after_the_failure_is_told_with_it_all_the_same() -> None:
    host = host_of(replace(API, repair=()))
    host.kill("api.service")
    host.run(seconds=30)

    found(host, seconds=31)
    found(host, replace(PACKAGE, mark="later"), seconds=5)

    assert [one.mark for one in host.incident.changes] == ["dpkg:1"]
    assert host.incident.after_change.startswith("bad 1 s after")


def test_the_same_change_is_one_however_often_it_is_found() -> None:
    host = host_of()
    found(host, minutes=3)
    found(host, minutes=2)

    assert len(host.events(ev.ChangeSeen)) == 1


def test_a_stamp_from_the_future_holds_no_longer_than_a_change_of_now() -> None:
    host = host_of()
    found(host, hours=-5)

    assert host.agent.state.changes.known[0].at == host.now


def test_a_clock_that_is_set_back_does_not_make_the_hold_longer() -> None:
    host = host_of()
    found(host, minutes=1)
    host.kill("api.service")

    host.jump(hours=-1)
    host.run(minutes=9.5)

    assert restarts(host) == 1


def test_a_thousand_logins_push_no_change_out_and_are_only_counted() -> None:
    host = host_of()
    found(host, seconds=1)
    login = Change(kind=ChangeKind.LOGIN, subject="ann", what="from 192.0.2.1", at=host.now)
    host.take(inbox.ChangesFound(changes=(login,) * 1000))

    known = host.agent.state.changes
    assert (known.known[0].mark, len(known.known), known.logins) == ("dpkg:1", 21, 1000)
    assert "**Changed:** package api 1.22 → 1.24, by ann · 1000 logins" in head(host.agent.state, host.now, "w").text


def test_what_will_last_is_an_entry_of_the_decision_memory_and_the_rest_a_line_of_the_day() -> None:
    host = host_of()
    before = host.agent.state
    found(host, replace(PACKAGE, diff=("-old", "+new"), count=30, items=("api", "libapi"), unseen=True))
    found(host, Change(kind=ChangeKind.KERNEL, subject="6.1.0-20", what="6.1.0-18 before", at=host.now, mark="k"))
    lasting, passing = [one for one in host.recorded if isinstance(one.event, ev.ChangeSeen)]

    made = decision(host.agent.state, lasting, "web-1")
    (told,) = entries(before, host.agent.state, lasting)
    (short,) = entries(before, host.agent.state, passing)

    assert made is not None
    assert [line.partition("**: ")[0] for line in made.text.splitlines() if line.startswith("- ")] == [
        *("- **Date", "- **Context", "- **Alternatives considered", "- **Reason", "- **Impact", "- **Status"),
    ]
    assert "found by opsagent on web-1, made by ann, while opsagent did not look" in made.text
    assert "+new" in made.text
    assert "and 28 more" in told.text
    assert decision(host.agent.state, passing, "web-1") is None
    assert short.text == "## 12:01 kernel 6.1.0-20 6.1.0-18 before"


def test_the_words_of_a_deploy_are_its_reason_and_stay_words() -> None:
    host = host_of()
    host.ask(cmd.ReportChange(by="ann", text="api 2.3 [x](http://evil)`", unit="api", change="rollback"))
    (recorded,) = (one for one in host.recorded if isinstance(one.event, ev.ChangeSeen))

    made = decision(host.agent.state, recorded, "web-1")

    assert made is not None
    assert "- **Reason**: `` api 2.3 [x](http://evil)` ``" in made.text
    assert "- **Status**: rolled back" in made.text
    assert made.text.startswith("## Decision: rollback api 2.3 [x\\](http\\://evil)\\`, by ann\n")


def test_a_log_with_changes_tells_the_same_story_again() -> None:
    host = host_of()
    found(host, minutes=2)
    host.kill("api.service")
    host.run(minutes=12)

    assert replay(State(), host.recorded) == (host.agent.state, 0)


@given(minutes=st.lists(st.integers(min_value=0, max_value=3000), max_size=30), within=st.integers(0, 3000))
def test_recent_changes_are_those_within_the_time_asked_for_newest_first(minutes: list[int], within: int) -> None:
    known = tuple(replace(PACKAGE, at=NOON - timedelta(minutes=ago)) for ago in sorted(minutes, reverse=True))
    state = State(changes=replace(State().changes, known=known))

    recent = changes.recent(state, NOON, timedelta(minutes=within))

    assert [(NOON - one.at) // timedelta(minutes=1) for one in recent] == sorted(m for m in minutes if m < within)


def test_every_action_is_recorded_before_it_when_it_was_carried_out_and_when_it_was_proven() -> None:
    host = host_of()

    host.kill("api.service")
    host.run(minutes=2)

    kinds = (ev.ActionRequested, ev.ActionEnded, ev.ActionJudged)
    assert [type(one.event) for one in host.recorded if isinstance(one.event, kinds)] == [*kinds]


EDITED = Change(
    kind=ChangeKind.CONFIG,
    subject="/etc/api/api.yaml",
    what="edited",
    at=NOON,
    units=("api.service",),
    by="ann",
    diff=("@@ -1 +1 @@", "-workers: 4", "+workers: 400"),
    mark="f",
)


def living(host: LiveHost, **fields: object) -> LiveHost:
    """Return the host with a change of its configuration behind it, and its service, which runs, unhealthy."""
    host.change("api.service", active_enter_at=host.now, inactive_exit_at=host.now, **fields)
    host.run(minutes=1)
    found(host, EDITED)
    host.run(minutes=20)  # longer than whoever changes something is given time
    host.services["api.service"].sick = "status"
    return host


def test_a_configuration_that_was_written_since_the_start_is_for_a_person_with_the_difference() -> None:
    host = living(host_of())

    host.run(minutes=2)

    assert (restarts(host), refusals(host)) == (0, ["change"])
    page = host.told()[0].body
    assert "/etc/api/api.yaml changed since it started: a restart would be a deploy" in page
    assert "| -workers: 4\n| +workers: 400" in page
    strangers = public(
        Message(key="k", kind=MessageKind.PAGE, host="h", title="", body=page, reason="", as_of=NOON), POLICY
    )
    assert "workers" not in strangers.body


def test_a_configuration_that_a_reload_has_read_since_holds_nothing_back() -> None:
    host = living(host_of())
    host.change("api.service", reloaded_at=host.now)

    host.run(minutes=2)

    assert restarts(host) > 0
    assert refusals(host) == []


def test_a_deploy_that_is_reported_after_its_own_restart_holds_nothing_back_for_long() -> None:
    host = host_of()
    host.change("api.service", active_enter_at=host.now, inactive_exit_at=host.now)
    host.run(minutes=1)
    found(host, replace(EDITED, kind=ChangeKind.DEPLOY, subject="api 2.0", diff=()))
    host.run(minutes=20)
    host.services["api.service"].sick = "status"

    host.run(minutes=2)

    assert restarts(host) > 0
