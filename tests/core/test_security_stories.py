"""What is about security: a person is told at once, nothing is ever done by itself, and only a person ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import why
from opsagent.core.fold import replay
from opsagent.core.observation import Reading, Severity, Status, ok
from opsagent.core.phase import Phase
from opsagent.core.policy import CheckPolicy, Criticality
from opsagent.core.state import State
from tests.core.live_host import LiveHost
from tests.core.test_stories import API, POLICY

LOGIN = CheckPolicy(name="login", kind="login", security=True, criticality=Criticality.CRITICAL)
ALARM = Reading(
    status=Status.CRITICAL,
    message="ann was let in from 192.0.2.7 after 10 failed tries",
    failure_class="break-in",
    conclusive=True,
    severity=Severity.SEV1,
)


def host_of(reading: Reading | None = None) -> LiveHost:
    """Begin with a good service, and a look at who came in that says this once."""
    host = LiveHost(replace(POLICY, checks=(API, LOGIN)))
    host.answers["login"] = lambda: ok("nobody")
    host.serve("api.service")
    host.run(seconds=60)
    if reading is not None:
        alarm(host, reading)
    return host


def alarm(host: LiveHost, reading: Reading) -> None:
    host.look("login", reading)
    host.run(seconds=1)


def test_an_alarm_pages_at_once_orders_nothing_and_does_not_end_by_itself() -> None:
    host = host_of(ALARM)
    host.run(hours=3)

    incident = host.incident
    assert (incident.check, incident.severity, incident.state) == ("login", Severity.SEV1, Phase.PAGED)
    assert incident.security
    assert (incident.actions, host.orders.acted) == ((), [])
    assert host.told("page")[0].title.startswith("[PAGE SEV1] web-1: login")
    assert "let in from 192.0.2.7" in host.told("page")[0].body
    assert host.delivered[0][0] - incident.first_bad_at < timedelta(seconds=2)
    assert len(host.told()) > 2  # again and again until somebody takes it
    assert host.agent.looks["login"].status is Status.OK


def test_only_a_person_ends_it() -> None:
    host = host_of(ALARM)

    answer = host.ask(cmd.Resolve(by="ann", incident=host.incident.label or "", because="it was me"))
    host.run(minutes=1)

    assert answer.accepted
    assert host.incident.state is Phase.RESOLVED
    assert host.incident.resolved_by == "ann"


def test_a_second_sign_is_told_at_once_although_somebody_holds_the_first() -> None:
    host = host_of(replace(ALARM, message="/etc/sudoers was changed", failure_class="file"))
    host.ask(cmd.Acknowledge(by="ann", incident=host.incident.label or "", note="that was me"))
    told = len(host.told())

    alarm(host, ALARM)

    assert len(host.told()) == told + 1
    assert "ann was let in from 192.0.2.7" in host.told()[-1].body
    assert host.incident.state is Phase.ACKNOWLEDGED


def test_a_check_of_security_says_what_it_found_and_that_it_is_for_people_alone() -> None:
    host = host_of(ALARM)

    assert any(f"{host.incident.label} SEV1" in line for line in why.lines(host.agent.world(host.now), "login"))
    assert "for people alone" in host.ask(cmd.RepairNow(by="ann", check="login")).text


def test_a_second_alarm_joins_the_first_and_after_the_end_opens_it_again() -> None:
    host = host_of(ALARM)
    alarm(host, replace(ALARM, message="the account toor has the rights of root now", failure_class="account"))

    assert len(host.agent.state.incidents) == 1
    assert any("toor" in line for moment in host.incident.timeline for line in moment.quoted)

    host.ask(cmd.Resolve(by="ann", incident=host.incident.label or "", because="closed the hole"))
    pages = len(host.told("page"))
    alarm(host, replace(ALARM, message="bob was let in from 192.0.2.7 after 12 failed tries"))
    assert host.incident.is_open
    assert len(host.told("page")) > pages


def test_a_service_beside_it_is_repaired_as_ever() -> None:
    host = host_of(ALARM)

    host.kill("api.service")

    assert len(host.services["api.service"].restarts) == 1


def test_a_look_that_fails_is_blindness_and_no_alarm() -> None:
    host = host_of()
    host.answers["login"] = lambda: Reading(status=Status.UNKNOWN, message="no journal", failure_class="journal")
    host.run(minutes=10)

    assert [one.blind for one in host.agent.state.open_incidents] == [True]
    assert host.events(ev.ActionRequested) == []


def test_a_log_with_an_alarm_tells_the_same_story_again() -> None:
    host = host_of(ALARM)
    host.run(minutes=5)

    assert replay(State(), host.recorded) == (host.agent.state, 0)
