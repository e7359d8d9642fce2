"""Where a rule ends: each of these is one comparison, and the opposite would look as right."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.fold import replay
from opsagent.core.health import Health, shifted
from opsagent.core.phase import Phase
from opsagent.core.policy import Confirm, UnitBudget
from opsagent.core.state import State
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON, StoryHost
from tests.core.test_repair_stories import CALM
from tests.core.test_stories import API, POLICY


def host_of_two() -> LiveHost:
    redis = replace(CALM, name="redis", kind="listen", unit="redis.service")
    host = LiveHost(replace(POLICY, checks=(CALM, redis)))
    host.serve("api.service")
    host.serve("redis.service")
    host.change("redis.service", also=("api.service",))
    host.run(seconds=60)
    return host


def test_a_root_waits_when_what_its_restart_drags_along_has_had_its_share() -> None:
    host = host_of_two()
    for _ in range(3):
        host.kill("api.service")
        host.run(minutes=2)
    assert len(host.services["api.service"].restarts) == 3

    host.kill("redis.service")
    host.run(minutes=1)

    assert host.services["redis.service"].restarts == []
    assert "api.service: 3 restarts" in host.agent.state.open_for("redis.service").repair_reason


def test_a_pause_of_a_unit_holds_hands_and_pages_as_one_of_its_check() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service")
    host.run(seconds=60)
    host.ask(cmd.Pause(by="anna", target="api.service", lasts=timedelta(minutes=20), because="work"))

    host.kill("api.service")
    host.run(minutes=15)
    assert (host.services["api.service"].restarts, host.told()) == ([], [])
    host.run(minutes=10)

    assert len(host.services["api.service"].restarts) == 1


def test_what_was_good_since_its_start_is_not_just_starting() -> None:
    check = replace(API, every=timedelta(seconds=2), confirm=Confirm(retry=timedelta(seconds=1)))
    host = LiveHost(replace(POLICY, checks=(check,)))
    host.serve("api.service")
    host.start("api.service")
    host.run(seconds=10)

    host.services["api.service"].sick = "status"
    host.run(seconds=15)

    assert len(host.services["api.service"].restarts) == 1
    assert [one.outcome for one in host.incident.actions if one.guard] == []


def test_the_next_slow_try_is_not_before_the_limit_is_free() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,), per_unit=UnitBudget(attempts=3, within=timedelta(hours=3))))
    host.serve("api.service")
    host.run(seconds=60)
    host.services["api.service"].can_start = False

    host.kill("api.service")
    host.run(minutes=15)

    first, *_ = host.services["api.service"].restarts
    assert len(host.services["api.service"].restarts) == 3
    assert host.incident.next_repair_at >= first + timedelta(hours=3)


def test_a_suspect_that_was_read_back_is_not_cleared_before_its_check_has_looked() -> None:
    before = StoryHost(POLICY)
    before.bad("api")
    state, _ = replay(State(), before.recorded)

    host = StoryHost(POLICY, now=before.now + timedelta(seconds=5), state=state)
    host.log.rows = list(before.log.rows)
    host.take(inbox.Started(version="1", pid=2))

    assert host.incident.state is Phase.SUSPECT
    assert host.events(ev.SuspectCleared) == []


def test_a_relapse_late_in_the_reopen_window_is_the_same_incident() -> None:
    host = LiveHost(replace(POLICY, checks=(CALM,)))
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    assert host.run(minutes=20, until=lambda: host.incident.state is Phase.RESOLVED)

    host.run(minutes=28)
    host.kill("api.service")

    assert (len(host.agent.state.incidents), host.incident.reopened) == (1, 1)


def test_after_a_start_nobody_resolves_what_failed_when_it_was_last_seen() -> None:
    before = StoryHost(POLICY)
    for _ in range(3):
        before.pass_(seconds=10)
        before.bad("api")
    state, _ = replay(State(), before.recorded)

    host = StoryHost(POLICY, now=before.now + timedelta(seconds=5), state=state)
    host.log.rows = list(before.log.rows)
    answer = host.ask(cmd.Resolve(by="anna", incident=host.incident.label, because="looks fine"))

    assert not answer.accepted
    assert "still fails" in answer.text


def test_a_clock_that_was_set_moves_every_moment_of_a_health() -> None:
    moments = {one.name for one in fields(Health) if "datetime" in str(one.type)}
    health = Health(check="api", **dict.fromkeys(moments, NOON))

    moved = shifted(health, timedelta(hours=-1))

    assert {name: getattr(moved, name) for name in moments} == dict.fromkeys(moments, NOON - timedelta(hours=1))
