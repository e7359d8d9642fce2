"""Stories of what people report: an incident at once, that only people end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.policy import Criticality, NotifierPolicy, Policy
from tests.core.live_host import LiveHost
from tests.core.story_host import StoryHost
from tests.core.test_stories import API

MAIL = NotifierPolicy(name="mail", kind="webhook")


def host_of(*checks: object) -> LiveHost:
    host = LiveHost(Policy(host="web-1", checks=checks, notifiers=(MAIL,)))
    if checks:
        host.serve("api.service")
        host.run(seconds=60)
    return host


def report(host: LiveHost, text: str = "customers cannot pay", **more: object) -> cmd.Answer:
    return host.ask(cmd.Raise(by="anna", text=text, **more))


def test_a_report_is_an_incident_at_once_and_people_are_told() -> None:
    host = host_of()

    answer = report(host, service="checkout")

    assert answer.accepted
    assert answer.text.startswith("OPS-20261118-001 SEV3 is open")
    assert (host.incident.label, host.incident.state, host.incident.check) == (
        "OPS-20261118-001",
        Phase.PAGED,
        "checkout",
    )
    assert host.orders.sent[0].title.startswith("[PAGE SEV3] web-1: checkout was reported by anna")


def test_a_report_is_never_withdrawn_nor_resolved_but_by_a_person() -> None:
    host = host_of()
    report(host)

    host.pass_(hours=30)

    assert host.incident.is_open
    assert host.ask(cmd.Resolve(by="anna", incident="001", because="the bank is back")).accepted
    assert host.incident.state is Phase.RESOLVED


def test_a_report_about_a_service_whose_checks_are_good_waits_for_a_person_all_the_same() -> None:
    host = host_of(API)

    report(host, service="api")
    host.run(minutes=20)

    assert host.incident.unit == "api.service"
    assert host.incident.is_open
    assert not host.services["api.service"].restarts


def test_a_report_of_what_a_check_sees_too_is_repaired_and_judged_by_that_check() -> None:
    host = host_of(API)
    report(host, service="api")

    host.kill("api.service")
    refused = host.ask(cmd.Resolve(by="anna", incident="001"))
    host.run(minutes=20)

    assert not refused.accepted
    assert len(host.services["api.service"].restarts) == 1
    assert host.incident.state is Phase.RESOLVED


def test_a_report_joins_the_open_incident_of_its_unit_and_makes_it_as_bad_as_it_is() -> None:
    host = host_of(replace(API, repair=()))
    host.kill("api.service")

    answer = report(host, service="api.service", data=True)

    assert len(host.agent.state.incidents) == 1
    assert host.incident.severity is Severity.SEV1
    assert "SEV1 is open already" in answer.text


def test_what_a_check_began_to_see_is_believed_at_once_as_that_checks_failure() -> None:
    host = host_of(replace(API, repair=()))
    host.bad("api", "status")

    answer = report(host, "the shop is slow", service="api")

    assert "api began to fail a moment ago" in answer.text
    assert (host.incident.reason, host.incident.failure_class, host.incident.checks) == (
        "answered 500",
        "status",
        ("api",),
    )
    assert ("the shop is slow",) in [moment.quoted for moment in host.incident.timeline]
    host.run(minutes=10)
    assert host.incident.state is Phase.RESOLVED


def test_the_same_words_again_open_nothing_and_record_nothing_new() -> None:
    host = host_of()
    report(host)

    assert "says the same" in report(host).text
    assert len(host.agent.state.incidents) == 1
    assert host.events(ev.ReportJoined) == []


def test_a_person_who_says_that_it_is_still_broken_is_believed_against_every_check() -> None:
    host = host_of(API)
    host.kill("api.service")
    host.run(seconds=20)
    assert host.incident.state is Phase.VERIFYING

    report(host, "still no answer for customers", service="api")
    host.run(minutes=20)

    assert host.incident.is_open


def test_what_was_resolved_is_reopened_by_a_report_within_half_an_hour() -> None:
    host = host_of()
    report(host)
    host.ask(cmd.Resolve(by="anna", incident="001"))

    answer = report(host)

    assert "open again" in answer.text
    assert host.incident.state is Phase.PAGED


def test_nothing_is_repaired_by_itself_once_it_is_about_security() -> None:
    host = host_of(API)
    report(host, "an unknown key in authorized_keys", service="api", security=True)

    host.kill("api.service")
    asked = host.ask(cmd.RepairNow(by="anna", check="api"))
    host.run(minutes=10)

    assert host.incident.severity is Severity.SEV1
    assert host.services["api.service"].restarts == []
    assert asked.accepted  # as every order it goes before the guards, and they say no
    assert {one.guard for one in host.events(ev.ActionRefused)} == {"security"}


def test_reports_stop_no_repairs_however_many_there_are() -> None:
    host = host_of(API)
    for number in range(5):
        report(host, f"trouble {number}")

    host.kill("api.service")
    host.run(minutes=1)

    assert host.agent.state.breaker is None
    assert len(host.services["api.service"].restarts) == 1


@pytest.mark.parametrize(
    ("flags", "criticality", "severity"),
    [
        ({}, None, "SEV3"),
        ({"paying": True}, None, "SEV2"),
        ({"paying": True, "sev": "SEV4"}, None, "SEV2"),
        ({"sev": "SEV4"}, None, "SEV4"),
        ({"data": True, "sev": "SEV3"}, None, "SEV1"),
        ({"security": True}, None, "SEV1"),
        ({}, Criticality.CRITICAL, "SEV1"),
        ({}, Criticality.LOW, "SEV3"),
        ({"sev": "SEV4"}, Criticality.CRITICAL, "SEV4"),
    ],
)
def test_how_bad_it_is_follows_from_the_service_and_the_flags(
    flags: dict[str, object], criticality: Criticality | None, severity: str
) -> None:
    host = host_of(*([replace(API, criticality=criticality)] if criticality else []))

    report(host, service="api", **flags)

    assert host.incident.severity == severity


def test_what_names_nothing_or_no_severity_is_refused_with_what_is_allowed() -> None:
    host = host_of()

    assert "without a word" in report(host, " ").text
    assert "SEV1, SEV2, SEV3, SEV4" in report(host, sev="SEV9").text
    assert "up to 63" in report(host, service="x" * 64).text
    assert host.agent.state.incidents == {}


def test_reports_in_one_turn_have_labels_of_their_own() -> None:
    host = host_of()

    texts = [report(host, f"trouble {number}").text.split()[0] for number in range(3)]

    assert texts == [f"OPS-20261118-00{number}" for number in (1, 2, 3)]


def test_a_pause_of_everything_keeps_a_report_quiet_until_it_ends() -> None:
    host = host_of()
    host.ask(cmd.Pause(by="bert", target="all", lasts=timedelta(hours=1), because="drill"))

    report(host, sev="SEV2")

    assert host.orders.sent == []
    host.run(minutes=61)
    assert [owed.kind for _, owed in host.delivered][:1] == ["page"]


def test_no_name_is_made_of_a_secret_in_a_report_and_the_same_words_are_the_same_report_after_a_restart() -> None:
    keys = []
    for mark in ("[redacted:password:7:26d3]", "[redacted:password:7:9f01]"):  # each run has marks of its own
        host = StoryHost(
            Policy(host="web-1", checks=(), notifiers=(MAIL,)), redact=lambda text, m=mark: text.replace("hunter2", m)
        )
        answer = host.ask(cmd.Raise(by="anna", text="psql password=hunter2 fails"))
        (opened,) = host.events(ev.IncidentSuspected)
        keys.append(opened.key)
        assert "hunter2" not in f"{answer.text}{opened}"
        assert opened.check == "psql-password-redacted-password-fails"

    assert keys[0] == keys[1]
