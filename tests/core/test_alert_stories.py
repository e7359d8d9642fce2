"""Stories of another monitor's alerts: each opens one incident, and ends it; however often it says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.alerting import severity_of
from opsagent.core.change import Change, ChangeKind
from opsagent.core.phase import Phase
from opsagent.core.policy import NotifierPolicy, Policy
from opsagent.core.raising import MOST
from tests.core.live_host import LiveHost

FIRING = cmd.Alert(by="alertmanager", fingerprint="a1", name="DiskFull", text="/srv is 97 % full", severity="error")


@pytest.fixture
def host() -> LiveHost:
    return LiveHost(Policy(host="web-1", notifiers=(NotifierPolicy(name="mail", kind="webhook"),)))


def test_an_alert_opens_an_incident_and_pages_and_its_end_resolves_it_and_says_so(host: LiveHost) -> None:
    assert host.ask(FIRING).accepted
    host.run(seconds=10)
    assert (host.incident.check, host.incident.severity, host.incident.raised_by) == (
        "DiskFull",
        "SEV2",
        "alertmanager",
    )

    host.ask(replace(FIRING, over=True))
    host.run(seconds=10)

    assert host.incident.state is Phase.RESOLVED
    assert [owed.kind for _, owed in host.delivered] == ["page", "recovery"]


def test_what_it_says_again_and_again_is_recorded_once(host: LiveHost) -> None:
    host.ask(FIRING)
    rows = len(host.log.rows)

    for percent in (98, 99):
        assert host.ask(replace(FIRING, text=f"/srv is {percent} % full")).accepted

    assert len(host.log.rows) == rows


def test_what_becomes_worse_is_told_again(host: LiveHost) -> None:
    host.ask(FIRING)
    host.run(seconds=10)

    host.ask(replace(FIRING, severity="critical"))
    host.run(seconds=10)

    assert host.incident.severity == "SEV1"
    assert [owed.kind for _, owed in host.delivered] == ["page", "page"]


def test_it_is_reopened_when_it_fires_again_within_half_an_hour(host: LiveHost) -> None:
    host.ask(FIRING)
    host.ask(replace(FIRING, over=True))

    host.ask(FIRING)

    assert host.incident.reopened == 1
    assert host.incident.is_open


@pytest.mark.parametrize(
    "begun", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z"]
)
def test_a_begin_that_cannot_be_is_now_and_stops_nothing_that_follows(host: LiveHost, begun: str) -> None:
    asked_at = host.now
    assert host.ask(replace(FIRING, begun=begun)).accepted
    changed = Change(kind=ChangeKind.DEPLOY, subject="api 2.3", what="", at=host.now)
    host.take(inbox.ChangesFound(changes=(changed,)))
    host.run(minutes=2)

    assert host.incident.first_bad_at == asked_at


def test_an_end_of_what_is_not_open_is_taken_and_changes_nothing(host: LiveHost) -> None:
    answer = host.ask(replace(FIRING, over=True))

    assert answer.accepted
    assert host.log.rows == []


def test_a_monitor_that_has_lost_its_mind_opens_no_more_than_a_hundred(host: LiveHost) -> None:
    answers = [host.ask(replace(FIRING, fingerprint=f"f{number}")) for number in range(MOST + 5)]

    assert sum(answer.accepted for answer in answers) == MOST
    assert len(host.events(ev.IncidentConfirmed)) == MOST


def test_alerts_that_are_over_leave_room_for_new_ones_at_once(host: LiveHost) -> None:
    for number in range(MOST):
        host.ask(replace(FIRING, fingerprint=f"f{number}"))
    host.ask(replace(FIRING, fingerprint="f0", over=True))

    assert host.ask(replace(FIRING, fingerprint="fresh")).accepted
    assert not host.ask(replace(FIRING, fingerprint="another")).accepted


def test_a_program_that_reports_without_end_opens_no_more_than_a_hundred_and_takes_no_alerts_place(
    host: LiveHost,
) -> None:
    answers = [host.ask(cmd.Raise(by="http", text=f"trouble at {number}")) for number in range(MOST + 5)]

    assert [answer.accepted for answer in answers].count(True) == MOST
    assert answers[-1].text == "cannot take more than 100 at once that http reports, resolve some first"
    assert host.ask(cmd.Raise(by="http", text="trouble at 3", sev="SEV1")).accepted, "what is open may become worse"
    assert host.ask(FIRING).accepted


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *(("critical", "SEV1"), ("page", "SEV1"), ("error", "SEV2"), ("Warning", "SEV3"), ("info", "SEV4")),
        *(("SEV2", "SEV2"), ("sev4", "SEV4"), ("", "SEV3"), ("purple", "SEV3")),
    ],
)
def test_its_own_words_for_how_bad_it_is_are_understood(word: str, severity: str) -> None:
    assert severity_of(word) == severity
