"""Repairs that are needed again and again become an incident for a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from opsagent.core import commands as cmd
from opsagent.core import contract, inbox, why
from opsagent.core import events as ev
from opsagent.core.before import Before
from opsagent.core.fold import replay
from opsagent.core.observation import Severity
from opsagent.core.phase import Phase
from opsagent.core.policy import Confirm, HostBudget, UnitBudget
from opsagent.core.report.incident_file import incident_file
from opsagent.core.state import State
from opsagent.core.unit import MemoryUsed
from tests.core.live_host import LiveHost
from tests.core.test_repair_stories import API, POLICY

if TYPE_CHECKING:
    from opsagent.core.incident import Incident

KEY = "api.service/chronic"
CALM = replace(API, every=timedelta(minutes=1), confirm=Confirm(retry=timedelta(seconds=30)))
AMPLE = UnitBudget(attempts=20, per_day=100)


def host_of() -> LiveHost:
    budget = HostBudget(actions=100)
    host = LiveHost(replace(POLICY, checks=(CALM,), per_unit=AMPLE, per_host=budget))
    host.serve("api.service")
    host.run(minutes=1)
    return host


def died(host: LiveHost, times: int, every: float) -> LiveHost:
    for _ in range(times):
        host.kill("api.service")
        host.run(minutes=every)
    return host


def chronic(host: LiveHost) -> Incident:
    (found,) = (one for one in host.agent.state.incidents.values() if one.key == KEY)
    return found


def test_what_is_repaired_every_eleven_minutes_is_an_incident_for_a_person_with_its_list_and_curve() -> None:
    host = died(host_of(), 6, 11)

    incident = chronic(host)

    assert (incident.check, incident.severity, incident.raised_by) == ("api", Severity.SEV3, "opsagent")
    assert incident.signs == ("too_many", "periodic")
    assert "every 11 min" in incident.reason
    told = incident_file(incident, "web-1", Before())
    assert "## Repairs" in told
    assert "▁" in told
    assert "█" in told
    assert told.count("restart helped after") >= 5
    assert (incident.cause, incident.certainty) == ("signal", "likely")
    assert contract.incident(incident)["signs"] == ["too_many", "periodic"]


def test_it_is_told_with_the_curve_and_nothing_is_repaired_for_it() -> None:
    host = died(host_of(), 3, 11)

    page = next(one for one in host.told("page") if "again and again" in one.title)

    assert "the repair cures nothing" in page.title
    assert "3 repairs from" in page.body
    assert "restart helped after" in page.body
    assert chronic(host).actions == ()


def test_why_has_the_curve_and_says_how_it_ends() -> None:
    host = died(host_of(), 3, 11)
    label = chronic(host).label or ""

    told = "\n".join(why.lines(host.agent.world(host.now), label))

    assert "3 repairs from" in told
    assert "without a repair, or when you say so: opsagent resolve" in told
    assert f"beside it {label} SEV3 is paged" in "\n".join(why.lines(host.agent.world(host.now), "api"))


def test_no_good_look_ends_it_and_a_day_without_a_repair_does() -> None:
    host = died(host_of(), 3, 11)

    host.run(hours=20)
    assert chronic(host).is_open
    host.run(hours=5)

    assert not any(one.key == KEY for one in host.agent.state.open_incidents)
    assert any("needed no repair for 24 h" in one.reason for one in host.events(ev.IncidentResolved))


def test_what_a_person_resolved_is_counted_anew_from_there() -> None:
    host = died(host_of(), 4, 11)
    label = chronic(host).label or ""

    assert host.ask(cmd.Resolve(by="ada", incident=label, because="leak is mended")).accepted
    died(host, 2, 11)
    assert chronic(host).state is Phase.RESOLVED
    died(host, 1, 11)

    assert chronic(host).is_open


def test_one_incident_is_open_for_a_unit_however_often_it_is_repaired() -> None:
    host = died(host_of(), 15, 11)

    opened = [one for one in host.events(ev.IncidentSuspected) if one.key == KEY]

    assert len(opened) == 1
    assert len(host.events(ev.ChronicHealing)) == 2


def test_memory_that_grew_before_each_repair_is_said_with_its_curve() -> None:
    host = host_of()
    for _ in range(3):
        for used in (100, 180, 260):
            memory = (MemoryUsed(unit="api.service", bytes=used << 20),)
            host.take(inbox.Beat(late=0.0, seconds=0.1, memory=memory))
            host.run(minutes=30)
        died(host, 1, 30)

    incident = chronic(host)

    assert incident.signs == ("with_memory",)
    assert "3 of 3 times with its memory grown or used up before" in incident.reason
    assert any(line.startswith("Memory before the last one, from 100 MiB to 260 MiB: ") for line in incident.repairs)


def test_the_log_replayed_gives_the_same() -> None:
    host = died(host_of(), 6, 11)

    replayed, skipped = replay(State(), host.recorded)

    assert skipped == 0
    assert replayed == host.agent.state
    assert len(replayed.heals) == 6
    assert {one.remedy for one in replayed.heals} == {"restart"}
