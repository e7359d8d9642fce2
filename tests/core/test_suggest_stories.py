"""Stories of a repair that waits for a person's word: asked once, approved, refused, forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opsagent.core import commands as cmd
from opsagent.core import contract, inbox, why
from opsagent.core import events as ev
from opsagent.core.fold import fold, replay
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import Criticality, Mode, RemedyRule
from opsagent.core.report.daily import entries
from opsagent.core.report.head import head
from opsagent.core.snapshot import Snapshot, from_text, to_text
from opsagent.core.state import State
from opsagent.core.unit import HostConditions
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY, SLOW

ASKING = replace(API, repair=(RemedyRule(do="restart", mode=Mode.SUGGEST),))


def asked_host(check: object = ASKING, **policy: object) -> LiveHost:
    """A host whose service was killed, and whose people were asked."""
    host = LiveHost(replace(POLICY, checks=(check,), **policy))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(seconds=5)
    return host


def approve(host: LiveHost, remedy: str = "", by: str = "anna") -> cmd.Command:
    return cmd.Approve(by=by, incident=host.incident.label, remedy=remedy)


def orders(host: LiveHost) -> list[ev.ActionRequested]:
    return [one[2] for one in host.orders.acted]


def test_a_suggested_repair_goes_out_only_when_a_person_says_so_and_is_recorded_with_their_name():
    host = asked_host()
    assert orders(host) == []
    [asked] = host.told("suggestion")
    assert asked.title.startswith("[APPROVE? SEV2] web-1: api down, restart waits for your word")
    assert f"opsagent approve {host.incident.label}" in asked.body
    assert "I would restart api.service" in asked.body
    shown = contract.incident(host.incident)["suggestion"]
    assert (shown["remedy"], shown["unit"]) == ("restart", "api.service")

    host.run(minutes=10)
    assert (host.told("page"), len(host.told("suggestion"))) == ([], 1)

    assert host.ask(approve(host)).accepted
    host.run(minutes=7)

    assert [(one.unit, one.by, one.mode) for one in orders(host)] == [("api.service", "anna", "suggest")]
    assert "approved by anna" in orders(host)[0].reason
    assert [a.outcome for a in host.incident.actions] == [Outcome.VERIFIED]
    assert host.incident.state is Phase.RESOLVED
    assert contract.incident(host.incident)["suggestion"] is None
    assert host.told("page") == []
    assert [owed.title.split("]")[0] for owed in host.told("recovery")] == ["[RECOVERED SEV2"]


def test_a_suggestion_that_nobody_answers_is_a_page_after_half_an_hour_and_cannot_be_approved_any_more():
    host = asked_host()

    host.run(minutes=29)
    assert host.told("page") == []
    host.run(minutes=2)

    [page] = host.told("page")
    assert "restart was not approved in time" in page.title
    assert "Not tried: nobody approved restart of api.service within 30 min" in page.body
    answer = host.ask(approve(host))
    assert (answer.accepted, orders(host)) == (False, [])
    assert "the suggestion expired 12:31 UTC" in answer.text


def test_a_question_that_reaches_nobody_is_no_reason_to_wait_with_the_page():
    host = LiveHost(replace(POLICY, checks=(ASKING,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.gone.add("hook")
    host.kill("api.service")
    host.run(minutes=6)

    assert host.told("suggestion") == []
    assert len(host.events(ev.LevelPaged)) == 1


def test_a_sev1_is_paged_at_once_beside_the_question():
    host = asked_host(replace(ASKING, criticality=Criticality.CRITICAL))

    assert len(host.told("page")) == 1
    assert len(host.told("suggestion")) == 1


def test_the_files_own_mode_can_be_suggest_and_an_item_is_never_above_it():
    host = asked_host(replace(API, repair=(RemedyRule(do="restart", mode=Mode.AUTO),)), mode=Mode.SUGGEST)

    assert orders(host) == []
    assert host.incident.suggestion is not None


def test_a_remedy_on_observe_is_never_ordered_whatever_a_person_approves_or_asks():
    host = asked_host(replace(API, repair=(RemedyRule(do="restart", mode=Mode.OBSERVE),)))

    assert not host.ask(approve(host)).accepted
    host.ask(cmd.RepairNow(by="anna", check="api"))
    host.run(minutes=5)

    assert orders(host) == []
    assert host.incident.actions[-1].guard == "mode"
    assert "mode is observe for restart of api" in host.incident.actions[-1].reason


def test_a_remedy_that_is_only_observed_does_not_stand_in_the_way_of_the_next_one():
    repair = (RemedyRule(do="reset_failed", mode=Mode.OBSERVE), RemedyRule(do="reload", mode=Mode.OBSERVE))
    host = asked_host(replace(API, repair=(*repair, RemedyRule(do="command", command=("/bin/a",), mode=Mode.OBSERVE))))
    assert (orders(host), host.incident.actions[-1].guard) == ([], "mode")

    cleaning = RemedyRule(do="command", command=("/bin/clean",), mode=Mode.OBSERVE)
    host = asked_host(replace(API, repair=(cleaning, RemedyRule(do="restart"))))
    assert [one.remedy for one in orders(host)] == ["restart"]
    assert "command skipped: it is only observed" in host.incident.choice


def test_the_question_says_what_is_known_of_the_remedy():
    host = asked_host()
    host.ask(approve(host))
    host.run(minutes=50)
    host.kill("api.service")
    host.run(seconds=5)

    assert (
        "restart worked once" in host.told("suggestion")[-1].body or "worked 1 of 1" in host.told("suggestion")[-1].body
    )


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        (lambda host: cmd.Approve(by="anna", incident="OPS-20000101-001"), "cannot find incident"),
        (lambda host: approve(host, "reload"), "cannot approve reload: what is suggested is restart of api.service"),
    ],
)
def test_what_was_not_suggested_cannot_be_approved(approval, said):
    host = asked_host()

    answer = host.ask(approval(host))

    assert (answer.accepted, orders(host)) == (False, [])
    assert answer.text.startswith(said)


@pytest.mark.parametrize(
    ("repair", "said"),
    [((), "the settings no longer allow it"), ((RemedyRule(do="restart", mode=Mode.OBSERVE),), "mode is observe")],
)
def test_what_newer_settings_forbid_cannot_be_approved(repair, said):
    host = asked_host()
    policy = replace(host.agent.policy, checks=(replace(ASKING, repair=repair),))
    host.take(inbox.SettingsRead(policy=policy, digest="new", text=""))

    answer = host.ask(approve(host))
    host.run(minutes=1)

    assert (answer.accepted, said in answer.text, orders(host)) == (False, True, [])


def test_what_is_good_again_needs_no_approval():
    host = asked_host()
    host.start("api.service")
    host.run(seconds=10)

    answer = host.ask(approve(host))

    assert (answer.accepted, answer.text) == (
        False,
        f"cannot approve anything for {host.incident.label}: api is good now",
    )


def test_every_other_guard_is_asked_once_more_when_a_person_approves():
    host = asked_host()
    host.conditions = HostConditions(hold="root says so")
    host.take(inbox.HostSeen(conditions=host.conditions))

    assert host.ask(approve(host)).accepted
    host.run(seconds=5)

    assert orders(host) == []
    assert host.incident.actions[-1].guard == "hold"


def test_nobody_is_asked_while_another_guard_says_no():
    host = LiveHost(replace(POLICY, checks=(ASKING,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.conditions = HostConditions(busy="apt holds dpkg's lock")
    host.take(inbox.HostSeen(conditions=host.conditions))
    host.kill("api.service")
    host.run(seconds=30)
    assert host.told("suggestion") == []

    host.conditions = HostConditions()
    host.take(inbox.HostSeen(conditions=host.conditions))
    host.run(seconds=30)
    assert len(host.told("suggestion")) == 1


def test_a_restart_of_the_daemon_between_question_and_approval_loses_nothing():
    host = asked_host()
    state, skipped = replay(State(), host.recorded)
    assert (state, skipped) == (host.agent.state, 0)
    state = from_text(to_text(Snapshot(state=state))).state

    again = LiveHost(host.agent.policy, host.now, state)
    again.log = host.log
    again.agent._log = host.log
    again.services, again.units = host.services, host.units
    assert again.ask(approve(again)).accepted  # before its first look, as what waited in the spool
    again.run(minutes=7)

    assert [(one.unit, one.by) for one in orders(again)] == [("api.service", "anna")]
    assert again.incident.state is Phase.RESOLVED


def test_a_word_given_long_ago_counts_for_nothing():
    host = asked_host()
    host.ask(approve(host))  # its unit is read first, and before that the host sleeps
    host.orders.gathered.clear()
    host.sleep(minutes=31)
    host.run(minutes=1)

    assert orders(host) == []
    assert len(host.told("suggestion")) == 2


def test_a_person_who_orders_a_repair_need_not_approve_it_too():
    host = asked_host()

    assert host.ask(cmd.RepairNow(by="anna", check="api")).accepted
    host.run(minutes=7)

    assert [one.by for one in orders(host)] == ["anna"]
    assert host.incident.state is Phase.RESOLVED


def test_why_says_what_is_asked_and_the_mode_of_each_remedy():
    host = asked_host()

    said = "\n".join(why.lines(host.agent.world(host.now), "api"))

    assert "Armed: restart (suggest: mode is suggest for restart of api) of api.service, mode auto" in said
    assert f"restart of api.service waits for a person until 12:31 UTC: opsagent approve {host.incident.label}" in said


def test_the_day_tells_of_the_question_of_who_approved_it_and_that_a_person_is_wanted_meanwhile():
    host = asked_host()
    label = host.incident.label
    top = head(host.agent.state, host.now, "web-1").text
    assert "1 needs you: api is down" in top
    assert f"may I restart? `opsagent approve {label}`" in top

    host.run(minutes=3)
    host.ask(approve(host))
    host.run(minutes=7)

    told, state = [], State()
    for recorded in host.recorded:
        before, state = state, fold(state, recorded)
        told += [entry.text for entry in entries(before, state, recorded)]
    asked, healed = told[-2:]
    assert "api is down, **a person is asked** · SEV2" in asked
    assert f"**Next** `opsagent approve {label}` until 12:31, or people are paged" in asked
    assert "api healed in 3 min · SEV2 · a person was asked" in healed
    assert "approved by anna" in healed


def test_a_question_waits_for_the_day_where_a_page_would():
    slow = replace(SLOW, repair=ASKING.repair, criticality=Criticality.NORMAL)
    calm = replace(POLICY, checks=(slow,))
    host = LiveHost(calm, now=NOON + timedelta(hours=12))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=40)
    assert (host.told("suggestion"), orders(host)) == ([], [])

    host.run(hours=8)
    assert [owed.kind for owed in host.told()] == ["suggestion", "page"]
    asked, paged = (at for at, _ in host.delivered)
    assert asked - NOON < timedelta(hours=20, minutes=6)
    assert timedelta(minutes=30) <= paged - asked < timedelta(minutes=31)
