"""Stories of trust: earned by what worked, given and taken by people alone, lost by what made things worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, why
from opsagent.core.earning import worsening
from opsagent.core.fold import replay
from opsagent.core.incident import Action
from opsagent.core.phase import Outcome
from opsagent.core.policy import Mode, RemedyRule
from opsagent.core.report.head import head
from opsagent.core.snapshot import Snapshot, from_text, to_text
from opsagent.core.state import State
from opsagent.core.trust import ENOUGH, Standing, effective, name_of, shown
from opsagent.core.unit import StopSeen, UnitSnapshot
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY
from tests.core.test_suggest_stories import ASKING, asked_host, orders

TRUST = cmd.Trust(by="anna", check="api", remedy="restart", because="it is stateless")


def mode_of(host: LiveHost) -> Mode:
    check = host.agent.policy.checks[0]
    return effective(host.agent.state, host.agent.policy, check, check.repair[0]).mode


def heal_by_word(host: LiveHost) -> None:
    """Let the service die, a person approve its restart, and the incident be over."""
    host.kill("api.service")
    host.run(seconds=5)
    [waiting] = [one for one in host.agent.state.open_incidents if one.suggestion]
    assert host.ask(cmd.Approve(by="anna", incident=waiting.label)).accepted
    host.run(minutes=75)


def told_subjects(host: LiveHost) -> list[str]:
    return [owed.title.partition(": ")[2] for owed in host.told("notice")]


def test_trust_is_offered_once_after_five_verified_successes_and_given_by_a_person_alone():
    host = LiveHost(replace(POLICY, checks=(ASKING,)))
    host.serve("api.service")
    host.run(seconds=60)
    for _ in range(ENOUGH):
        assert "restart of api.service worked" not in "".join(told_subjects(host))
        heal_by_word(host)

    assert [one for one in told_subjects(host) if "worked" in one] == ["restart of api.service worked 5 of 5"]
    [notice] = [owed for owed in host.told("notice") if "worked" in owed.title]
    assert "opsagent trust api restart" in notice.body
    assert "worked 5 of 5: `opsagent trust api.service restart`" in head(host.agent.state, host.now, "web-1").text
    assert mode_of(host) is Mode.SUGGEST

    heal_by_word(host)
    assert len([one for one in told_subjects(host) if "worked" in one]) == 1

    assert host.ask(TRUST).accepted
    assert mode_of(host) is Mode.AUTO
    asked = len(host.told("suggestion"))
    host.kill("api.service")
    host.run(minutes=7)
    assert [(one.by, one.mode) for one in orders(host)[ENOUGH + 1 :]] == [("", "auto")]
    assert len(host.told("suggestion")) == asked
    [row] = shown(host.agent.state, host.agent.policy)
    assert (row["mode"], row["trusted_by"], row["worked"]) == ("auto", "anna", ENOUGH + 1)
    state = replay(State(), host.recorded)[0]
    assert state == host.agent.state
    assert from_text(to_text(Snapshot(state=state))).state == state


def test_trust_given_while_a_repair_waits_lets_it_go_out():
    host = asked_host()

    host.ask(TRUST)
    host.run(seconds=5)

    assert [one.unit for one in orders(host)] == ["api.service"]


def test_trust_that_is_taken_back_is_a_question_again():
    host = asked_host()
    host.ask(TRUST)
    host.run(minutes=7)

    answer = host.ask(replace(TRUST, revoke=True, because="it lost a queue"))

    assert answer.accepted
    assert mode_of(host) is Mode.SUGGEST
    said = "\n".join(why.lines(host.agent.world(host.now), "api"))
    assert "lowered to suggest by anna" in said
    assert "it lost a queue" in said
    assert not host.ask(replace(TRUST, revoke=True)).accepted


@pytest.mark.parametrize(
    ("repair", "policy", "command", "said"),
    [
        ((RemedyRule(do="restart", mode=Mode.OBSERVE),), {}, TRUST, "mode is observe for restart of api"),
        ((RemedyRule(do="restart", mode=Mode.SUGGEST),), {"mode": Mode.OBSERVE}, TRUST, "mode is observe"),
        ((RemedyRule(do="restart"),), {}, TRUST, "it needs no trust, mode is auto"),
        ((RemedyRule(do="restart"),), {}, replace(TRUST, remedy="reload"), "the settings allow restart"),
        ((), {}, TRUST, "the settings allow nothing"),
        ((RemedyRule(do="restart"),), {}, replace(TRUST, check="web"), "cannot find check 'web'; known: api"),
    ],
)
def test_trust_lifts_nothing_but_a_question_of_what_the_settings_allow(repair, policy, command, said):
    host = LiveHost(replace(POLICY, checks=(replace(API, repair=repair),), **policy))

    answer = host.ask(command)

    assert (answer.accepted, said in answer.text) == (False, True), answer.text
    assert host.agent.state.standings == {}


def test_trust_is_forgotten_when_the_settings_no_longer_allow_the_remedy():
    host = asked_host()
    host.ask(TRUST)
    host.run(minutes=40)
    asking = host.agent.policy
    for check in (replace(ASKING, repair=()), ASKING):
        settings = inbox.SettingsRead(policy=replace(asking, checks=(check,)), digest=str(check.repair), text="")
        host.take(settings)
        host.run(seconds=30)

    assert mode_of(host) is Mode.SUGGEST
    assert len(host.events(ev.TrustForgotten)) == 1


def test_another_command_is_not_the_one_that_was_trusted():
    one = Standing(key="api.service", remedy="command", trusted_at=NOON, trusted_by="anna", command=("/bin/a",))
    state = State(standings={name_of("api.service", "command"): one})
    rules = [RemedyRule(do="command", command=(path,), mode=Mode.SUGGEST) for path in ("/bin/a", "/bin/b")]

    assert [effective(state, POLICY, API, rule).mode for rule in rules] == [Mode.AUTO, Mode.SUGGEST]


def test_a_restart_that_left_a_running_unit_dead_is_asked_about_from_then_on_and_people_are_told():
    host = LiveHost(POLICY)
    service = host.serve("api.service")
    host.run(seconds=60)
    service.sick, service.can_start = "status", False  # it answers 500, and what it would start with is broken
    host.run(minutes=2)

    assert [one.mode for one in orders(host)] == ["auto"]
    assert mode_of(host) is Mode.SUGGEST
    assert told_subjects(host) == ["restart of api.service made things worse, you are asked before it from now on"]
    assert len(host.told("suggestion")) == 1
    lowered = host.events(ev.RemedyLowered)[0]
    assert lowered.reason == "api.service ran before restart of api.service, and does not run any more"

    assert host.ask(TRUST).accepted
    assert mode_of(host) is Mode.AUTO


def test_a_failed_approval_begins_the_count_anew():
    host = LiveHost(replace(POLICY, checks=(ASKING,)))
    service = host.serve("api.service")
    host.run(seconds=60)
    heal_by_word(host)
    [row] = shown(host.agent.state, host.agent.policy)
    assert (row["worked"], row["because"]) == (1, "mode is suggest for restart of api; worked 1 of 1")

    service.can_start = False
    host.kill("api.service")
    host.run(seconds=5)
    host.ask(cmd.Approve(by="anna", incident=host.agent.state.open_incidents[0].label))
    host.run(seconds=30)

    assert shown(host.agent.state, host.agent.policy)[0]["worked"] == 0


RAN = Action(
    seq=1,
    at=NOON,
    remedy="restart",
    unit="db.service",
    also=("web.service",),
    outcome=Outcome.RUNNING,
    reason="",
    running=("db.service", "web.service"),
)


def after(**states: str) -> State:
    units = {
        f"{name}.service": UnitSnapshot(name=f"{name}.service", read_at=NOON, active_state=state)
        for name, state in states.items()
    }
    return State(units=units)


@pytest.mark.parametrize(
    ("state", "action", "outcome", "worse"),
    [
        (after(db="failed", web="active"), RAN, Outcome.FAILED, "db.service"),
        (after(db="active", web="failed"), RAN, Outcome.VERIFIED, "web.service"),
        (after(db="active", web="active"), RAN, Outcome.FAILED, ""),
        (after(db="failed", web="active"), RAN, Outcome.RELAPSED, ""),  # it worked for a moment: its own old trouble
        (after(db="failed", web="active"), replace(RAN, running=()), Outcome.FAILED, ""),  # it was down before
        (after(db="active", web="activating"), RAN, Outcome.VERIFIED, ""),
        (after(db="failed"), RAN, Outcome.REFUSED, ""),
        (after(), RAN, Outcome.FAILED, ""),
        (
            replace(after(db="inactive"), stops={"db.service": StopSeen(unit="db.service", at=NOON, by="anna")}),
            RAN,
            Outcome.FAILED,
            "",
        ),
    ],
)
def test_only_a_unit_that_systemd_saw_run_before_and_not_after_makes_things_worse(state, action, outcome, worse):
    said = worsening(state, action, outcome)

    assert said.partition(" ran before")[0] == worse


modes = st.sampled_from([*Mode])
moments = st.none() | st.just(NOON)


@given(
    file=modes,
    own=st.none() | modes,
    trusted=moments,
    lowered=moments,
    worked=st.integers(0, 100),
)
def test_nothing_lifts_observe_and_only_a_persons_word_lifts_suggest(file, own, trusted, lowered, worked):
    one = Standing(
        key="api.service", remedy="restart", trusted_at=trusted, trusted_by="anna", lowered_at=lowered, worked=worked
    )
    state = State(standings={name_of("api.service", "restart"): one})
    rule = RemedyRule(do="restart", mode=own)
    found = effective(state, replace(POLICY, mode=file), API, rule)

    written = {file, own or file}
    assert (found.mode is Mode.OBSERVE) is (Mode.OBSERVE in written)
    if found.mode is Mode.AUTO:
        assert trusted or (written == {Mode.AUTO} and not lowered)
    assert found.because
