"""A cause on record: what incident, page and file say of it, and when nothing is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox, wording
from opsagent.core.before import Before
from opsagent.core.change import Change, ChangeKind
from opsagent.core.diagnosis import case
from opsagent.core.diagnosis.evidence import Evidence, Line, Neighbour
from opsagent.core.environment import Listener
from opsagent.core.fold import replay
from opsagent.core.looks import overloaded
from opsagent.core.report.incident_file import incident_file
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import API, POLICY, killed_host

IN_USE = (Line(text="listen tcp :80: bind: address already in use", program="api"),)
NGINX = Listener(protocol="tcp", port=80, addresses=("0.0.0.0",), unit="nginx.service", process="nginx")
HELD = "port 80 is held by nginx (nginx.service)"


def diagnosed(host: StoryHost, evidence: Evidence) -> list[ev.CauseFound]:
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=evidence))
    return host.events(ev.CauseFound)


def test_the_cause_stands_in_the_incident_the_page_and_the_file_and_is_replayed() -> None:
    host = killed_host()
    diagnosed(host, Evidence(unit=host.units["api.service"], log=IN_USE, listeners=(NGINX,)))

    incident = host.incident
    assert (incident.cause, incident.certainty, incident.because) == ("port-taken", "sure", HELD)
    assert f"Cause: {HELD}." in wording.page(host.agent.state, incident, POLICY, host.now)[1]
    assert f"**Cause** {HELD} (sure)" in incident_file(incident, "web-1", Before())
    assert replay(State(), host.recorded) == (host.agent.state, 0)


@pytest.mark.parametrize(("state", "hours"), [("inactive", 5), ("failed", 5), ("active", 0)])
def test_what_is_down_speaks_by_the_end_of_its_last_run(state: str, hours: float) -> None:
    ended = NOON - timedelta(hours=5)
    unit = UnitSnapshot(name="api.service", read_at=NOON, active_state=state, inactive_enter_at=ended)
    incident = replace(killed_host().incident, actions=(), first_bad_at=NOON)

    begin = case.since(State(units={"api.service": unit}), incident)

    assert begin == NOON - timedelta(hours=hours) - case.BEFORE


def test_the_unit_is_looked_at_as_it_was_when_the_failure_was_believed() -> None:
    host = killed_host()
    unit = host.orders.units[-1]
    host.unit("api.service", active_state="activating", result="success")
    assert (unit.active_state, unit.result) == ("failed", "signal")


def test_the_same_cause_again_is_no_news_and_one_that_is_only_possible_is_none() -> None:
    host = killed_host()
    evidence = Evidence(log=IN_USE, listeners=(NGINX,))
    assert len(diagnosed(host, evidence)) == 1
    assert len(diagnosed(host, evidence)) == 1
    other = killed_host()
    kernel = (Line(text="Out of memory: Killed process 7 (batch)"),)
    assert diagnosed(other, Evidence(kernel=kernel)) == []
    assert other.incident.cause is None


def test_that_no_cause_is_found_is_said_with_what_was_looked_at() -> None:
    host = killed_host()
    unit = replace(host.units["api.service"], result="exit-code", exec_main_code=1, exec_main_status=1)
    assert diagnosed(host, Evidence(unit=unit, log=(Line(text="bye"),))) == []

    said = "no cause found; its log ends: bye; "
    said += "looked at: how api.service stands (failed, result exit-code), 1 line of its log"
    incident = host.incident
    assert (incident.cause, incident.because, incident.certainty) == (None, said, "")
    assert f"**Cause** {said}" in incident_file(incident, "web-1", Before())
    assert "Cause not known. Its log ends: bye\n" in wording.page(host.agent.state, incident, POLICY, host.now)[1]
    assert replay(State(), host.recorded) == (host.agent.state, 0)
    assert len(diagnosed(host, Evidence(log=IN_USE, listeners=(NGINX,)))) == 1
    assert (host.incident.cause, host.incident.because) == ("port-taken", HELD)


def test_that_systemd_gave_up_is_no_news_of_a_failure_whose_cause_is_known() -> None:
    host = killed_host()
    unit = replace(host.units["api.service"], result="exit-code", exec_main_code=1, exec_main_status=1)
    refused = Line(text=">>> 'porrt 6379'", program="redis-server", pid=7)
    assert [one.cause for one in diagnosed(host, Evidence(unit=unit, log=(refused,)))] == ["bad-configuration"]

    given_up = Line(text="api.service: Start request repeated too quickly.", program="systemd", pid=1)
    assert len(diagnosed(host, Evidence(unit=replace(unit, result="start-limit-hit"), log=(given_up,)))) == 1

    assert host.incident.cause == "bad-configuration"


def test_all_the_evidence_may_say_of_a_known_cause_what_the_first_look_could_not_know() -> None:
    host = killed_host()
    unit = replace(host.units["api.service"], result="signal", exec_main_code=2, exec_main_status=9, exec_main_pid=7)
    assert [one.cause for one in diagnosed(host, Evidence(unit=unit))] == ["killed"]
    sudo = Line(text="ann : USER=root ; COMMAND=/bin/kill -9 7", program="sudo")
    assert len(diagnosed(host, Evidence(unit=unit, killers=(sudo,)))) == 2
    assert host.incident.because == "ann sent it SIGKILL by sudo: /bin/kill -9 7"


def test_who_was_killed_and_does_not_come_back_is_told_with_what_it_says_of_that() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.run(minutes=1)
    host.services["api.service"].can_start = False
    host.kill("api.service")
    host.run(seconds=2)
    unit = replace(host.units["api.service"], result="signal", exec_main_code=2, exec_main_status=9, exec_main_pid=7)
    host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=Evidence(unit=unit)))
    began = host.incident.because
    host.run(minutes=5)
    unit = replace(unit, result="exit-code", exec_main_code=1, exec_main_status=1)
    seen = Evidence(unit=unit, log=(Line(text="cannot parse price list", program="api"),))

    for _ in range(2):
        host.take(inbox.SurroundingsSeen(incident=host.incident.seq, evidence=seen))

    words = f"{began}; after the restart it fails otherwise; its log ends: cannot parse price list"
    assert (host.incident.cause, host.incident.because) == ("killed", words)


def test_an_incident_that_is_gone_when_the_evidence_comes_changes_nothing() -> None:
    host = StoryHost(POLICY)
    host.take(inbox.SurroundingsSeen(incident=99, evidence=Evidence(log=IN_USE)))
    assert host.events(ev.CauseFound) == []


def test_a_dependency_is_known_by_the_port_of_its_check_and_how_that_stands() -> None:
    cache = replace(API, name="cache", unit="redis.service", repair=())
    host = StoryHost(replace(POLICY, checks=(API, cache)))
    for _ in range(3):
        host.bad("cache")
        host.pass_(seconds=10)
    host.unit("api.service", active_state="failed", result="exit-code", exec_main_code=1, exec_main_status=1)
    mine = next(one for one in host.agent.state.incidents.values() if one.check == "api")
    said = (Line(text="Error: connect ECONNREFUSED 127.0.0.1:6379"),)
    neighbours = (Neighbour(check="cache", ports=(6379,)), Neighbour(check="api", ports=(8080,)))
    host.take(inbox.SurroundingsSeen(incident=mine.seq, evidence=Evidence(log=said, neighbours=neighbours)))
    assert host.agent.state.incidents[mine.seq].because == "it needs port 6379, and cache is bad: answered 500"


def test_a_change_and_a_jump_of_the_clock_count_for_an_hour() -> None:
    host = killed_host()
    change = Change(kind=ChangeKind.DEPLOY, subject="api", what="2", at=host.now, units=("api.service",))
    host.take(inbox.ClockSeen(by=timedelta(hours=-2)))
    incident = replace(host.incident, changes=(change,))
    seen = case.complete(host.agent.world(host.now), incident, Evidence())
    assert (seen.jumped, seen.changes, seen.failure_class) == (timedelta(hours=-2), (change,), "signal")
    assert seen.overload == "", "that a clock was set makes no host busy"
    assert overloaded(host.agent.world(host.now)) == "the clock was set within the last 120 s"
    later = case.complete(host.agent.world(host.now + case.JUMP_MATTERS), incident, Evidence())
    assert later.jumped == timedelta()
