"""Stories of the same failure again and again: what helped is done first, what never helped is skipped and said so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.diagnosis import Cause, Certainty, diagnose
from opsagent.core.diagnosis.evidence import Evidence, FileSystem, line_of
from opsagent.core.environment import Listener
from opsagent.core.fold import replay
from opsagent.core.phase import Outcome, Repair
from opsagent.core.policy import Criticality, Mode, NotifierPolicy, RemedyRule
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import Facts
from tests.core.live_host import LiveHost
from tests.core.report.telling import Telling
from tests.core.story_host import NOON, StoryHost
from tests.core.test_stories import API, POLICY

RELOADED = replace(API, repair=(RemedyRule(do="reload"), RemedyRule(do="restart")))


def sick_again(host: LiveHost, *, minutes: float = 90) -> list[tuple[str, str]]:
    """Let it fail as before, give it time, and return what was done about it."""
    before = len(host.events(ev.ActionRequested))
    host.services["api.service"].sick = "status"
    host.run(minutes=minutes)
    return [(one.remedy, one.choice) for one in host.events(ev.ActionRequested)[before:]]


def test_the_third_time_what_never_helped_is_skipped_and_the_record_says_what_worked_before() -> None:
    host = LiveHost(replace(POLICY, checks=(RELOADED,)))
    host.serve("api.service", cured_by="restart")
    host.run(seconds=60)

    first, second, third = sick_again(host), sick_again(host), sick_again(host)

    assert [remedy for remedy, _ in first] == ["reload", "restart"]
    assert [remedy for remedy, _ in second] == ["restart"]
    ((remedy, said),) = third
    assert remedy == "restart"
    assert said.startswith("restart worked 2 of 2 times for this failure, median ")
    assert said.endswith("; reload skipped: it never worked for this failure (0 of 1)")
    assert replay(State(), host.recorded) == (host.agent.state, 0)


def test_what_failed_three_times_of_three_is_left_alone_and_a_person_is_told_at_once() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", cured_by="a person")
    host.run(seconds=60)
    sick_again(host, minutes=20)
    host.services["api.service"].sick = ""
    host.run(minutes=60)
    host.delivered.clear()

    done = sick_again(host, minutes=2)

    assert done == []
    assert host.incident.repair is Repair.EXHAUSTED
    assert host.incident.actions[-1].guard == "experience"
    assert host.incident.actions[-1].reason == "restart skipped: it never worked for this failure (0 of 3)"
    assert [owed.kind for owed in host.told()] == ["page"]


def test_giving_up_on_a_remedy_is_not_final() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", cured_by="a person")
    host.run(seconds=60)
    sick_again(host, minutes=20)
    host.services["api.service"].sick = ""
    host.run(minutes=60)

    done = sick_again(host, minutes=70)

    assert [remedy for remedy, _ in done] == ["restart"]


def test_in_observe_mode_it_is_learned_how_often_it_comes_back_by_itself() -> None:
    host = LiveHost(replace(POLICY, mode=Mode.OBSERVE))
    host.serve("api.service")
    host.run(seconds=60)
    for _ in range(3):
        host.services["api.service"].sick = "status"
        host.run(minutes=2)
        host.services["api.service"].sick = ""
        host.run(minutes=60)

    (known,) = host.agent.state.experience.values()

    assert known.tally("restart").would == 3
    assert known.alone(within=300) == (3, 3)
    assert known.alone(within=10) == (0, 3)


def test_what_a_person_took_or_its_root_brought_back_did_not_come_back_by_itself() -> None:
    night = Telling()
    root, child = night.incident("redis", "redis.service"), night.incident()
    taken = night.incident("www", "www.service")
    night.take(ev.SuppressionChanged(by="parent", reason="needs redis", parent=root), child)
    until = night.at + timedelta(hours=1)
    night.take(ev.IncidentAcknowledged(by="marta", until=until, keep_repairing=False), taken)
    for seq in (child, taken):
        night.good(seq)

    known = [night.state.experience[night.one(seq).fingerprint] for seq in (child, taken)]

    assert [[spell.came_back for spell in one.spells] for one in known] == [[False], [False]]


def test_a_preparation_that_could_not_be_done_did_not_work() -> None:
    night = Telling()
    for result in ("done", "failed"):
        seq = night.incident()
        order = night.order(seq, remedy="reclaim")
        night.take(ev.ActionEnded(action=order, result=result, seconds=1.0, reason="so it is"), seq)
        night.take(ev.ActionJudged(action=order, outcome=Outcome.FAILED, reason="still full"), seq)
        night.take(ev.IncidentWithdrawn(reason="over"), seq)

    (known,) = night.state.experience.values()
    assert (known.tally("reclaim").tried, known.tally("reclaim").worked) == (1, 0)


def test_what_the_mode_alone_held_back_is_counted_by_its_whole_name() -> None:
    renew = replace(API, repair=(RemedyRule(do="act", name="renew"),))
    host = LiveHost(replace(POLICY, mode=Mode.OBSERVE, checks=(renew,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.services["api.service"].sick = "status"
    host.run(minutes=1)

    (known,) = host.agent.state.experience.values()
    assert [(one.label, one.would) for one in known.tallies] == [("act renew", 1)]


def failed_with(evidence: Evidence, *, repair: tuple[str, ...] = ("restart",)) -> StoryHost:
    rules = tuple(RemedyRule(do=do) for do in repair)
    check = replace(API, repair=rules, criticality=Criticality.IMPORTANT)
    host = StoryHost(replace(POLICY, checks=(check,), notifiers=(NotifierPolicy(name="hook", kind="webhook"),)))
    host.unit("api.service", active_state="active", sub_state="running", invocation_id="a" * 32)
    host.good("api")
    host.pass_(seconds=60)
    fields = {"active_state": "failed", "sub_state": "failed", "result": "exit-code", "exec_main_status": 1}
    host.unit("api.service", **fields)
    tell(host, evidence)
    return host


def tell(host: StoryHost, evidence: Evidence) -> None:
    """Answer the question for facts with this evidence, as a worker does."""
    assert host.orders.gathered
    host.orders.gathered = []
    seen = replace(evidence, unit=host.units["api.service"])
    facts = Facts(unit="api.service", at=host.now, snapshot=seen.unit, evidence=seen)
    host.take(inbox.FactsSeen(unit="api.service", facts=facts, conditions=host.conditions))


WORDS = "2026-11-18T12:00:00.000Z api[7]: bind: address already in use: port 8080"
HOLDER = Listener(protocol="tcp", addresses=("0.0.0.0",), port=8080, process="python3", unit="other.service")
LOG = (line_of(WORDS),)


def test_a_taken_port_is_never_answered_by_a_restart_and_the_page_names_the_holder() -> None:
    host = failed_with(Evidence(log=LOG, listeners=(HOLDER,)))

    assert host.orders.acted == []
    assert host.incident.cause == "port-taken"
    assert host.incident.actions[-1].guard == "cause"
    assert "port 8080 is held by python3 (other.service)" in host.incident.actions[-1].reason
    (page,) = host.orders.sent
    assert (page.kind, "python3 (other.service)" in page.body) == ("page", True)


def test_once_the_port_is_free_it_is_restarted_after_all() -> None:
    host = failed_with(Evidence(log=LOG, listeners=(HOLDER,)))

    host.pass_(seconds=11)
    tell(host, Evidence())

    assert [order[2].remedy for order in host.orders.acted] == ["restart"]


def test_space_is_reclaimed_before_the_restart_that_follows_at_once() -> None:
    words = line_of("2026-11-18T12:00:00.000Z api[7]: cannot write /srv/data: No space left on device")
    full = Evidence(log=(words,), systems=(FileSystem(path="/srv", used=100.0),))
    host = failed_with(full, repair=("restart", "reclaim"))
    assert [order[2].remedy for order in host.orders.acted] == ["reclaim"]

    host.pass_(seconds=1)
    host.carry_out()
    host.pass_(seconds=0.2)
    host.bad("api", "refused")
    host.pass_(seconds=0.2)
    tell(host, Evidence(systems=(FileSystem(path="/srv", used=60.0),)))

    assert [order[2].remedy for order in host.orders.acted] == ["reclaim", "restart"]
    assert host.incident.choice.startswith("restart is next of what is allowed")
    host.carry_out(active_state="active", sub_state="running", invocation_id="b" * 32, inactive_exit_at=host.now)
    for _ in range(10):
        host.pass_(seconds=5)
        host.good("api")
    known = host.agent.state.experience[host.incident.fingerprint]
    assert [(one.label, one.worked, one.tried) for one in known.tallies] == [("reclaim", 1, 1), ("restart", 1, 1)]


@pytest.mark.parametrize("repair", [("reclaim", "restart"), ("reclaim",)])
def test_what_freed_nothing_is_not_done_again_and_a_person_is_told_at_once(repair: tuple[str, ...]) -> None:
    words = line_of("2026-11-18T12:00:00.000Z api[7]: cannot write /srv/data: No space left on device")
    full = Evidence(log=(words,), systems=(FileSystem(path="/srv", used=100.0),))
    host = failed_with(full, repair=repair)

    host.carry_out(result="failed", error="freed nothing")
    for _ in range(40):
        host.pass_(seconds=3)
        host.bad("api", "refused")
        if host.orders.gathered:
            tell(host, full)

    assert [order[2].remedy for order in host.orders.acted] == ["reclaim"]
    assert [page.kind for page in host.orders.sent] == ["page"]
    assert "freed nothing" in host.orders.sent[0].body


def test_a_failure_is_filed_under_its_cause_and_found_by_either_name() -> None:
    host = failed_with(Evidence(log=LOG, listeners=(HOLDER,)))

    assert (host.incident.fingerprint, host.incident.alias) == (
        "api.service|http|port-taken",
        "api.service|http|exit",
    )
    assert [one.fingerprint for one in host.events(ev.PatternSeen)] == ["api.service|http|port-taken"]


def test_who_took_the_port_of_what_was_killed_is_seen_before_any_start_is_tried() -> None:
    down = UnitSnapshot(name="api.service", read_at=NOON, active_state="failed", result="signal")
    before = Evidence(unit=down, owned=(8080,), listeners=(HOLDER,))
    alive = replace(before, unit=replace(down, active_state="active"))

    first = diagnose(before)[0]

    assert (first.cause, first.certainty, first.port) == (Cause.PORT_TAKEN, Certainty.SURE, 8080)
    assert first.because == "port 8080, where it listened, is held by python3 (other.service)"
    assert Cause.PORT_TAKEN not in [one.cause for one in diagnose(replace(before, owned=(), ports=(8080,)))]
    assert Cause.PORT_TAKEN not in [one.cause for one in diagnose(alive)]
