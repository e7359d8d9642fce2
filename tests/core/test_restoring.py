"""When configuration is kept, and whose change holds its return back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core.change import Change, ChangeKind, Changes
from opsagent.core.guards import Case
from opsagent.core.health import Health
from opsagent.core.incident import Action, Incident
from opsagent.core.observation import Status
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import RemedyRule
from opsagent.core.restoring import due, files_of, held_by
from opsagent.core.state import State
from opsagent.core.unit import UnitSnapshot
from opsagent.core.world import Facts, World
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY

if TYPE_CHECKING:
    from datetime import datetime

CONF = "/etc/api/api.conf"
RESTORE, RESTART = RemedyRule(do="restore", files=(CONF,)), RemedyRule(do="restart")
CHECK = replace(API, repair=(RESTORE, RESTART))
UNIT = UnitSnapshot(
    name="api.service",
    read_at=NOON,
    active_state="active",
    invocation_id="a",
    inactive_exit_at=NOON - timedelta(hours=1),
)
DOWN = replace(UNIT, active_state="failed", inactive_exit_at=NOON + timedelta(seconds=1))
EDIT = Change(kind=ChangeKind.CONFIG, subject=CONF, what="edited", at=NOON, units=("api.service",))
OTHER = replace(EDIT, subject="/etc/api/other.conf")
DEPLOY = replace(EDIT, kind=ChangeKind.DEPLOY, subject="api 2.3")


def restored(result: str = "done") -> Action:
    at = NOON + timedelta(seconds=10)
    return Action(
        seq=1,
        remedy="restore",
        unit="api.service",
        attempt=1,
        at=at,
        ended_at=at + timedelta(seconds=1),
        result=result,
        outcome=Outcome.FAILED,
        reason="",
    )


def held(
    rule: RemedyRule,
    *changes: Change,
    cause: str = "bad-configuration",
    unit: UnitSnapshot = DOWN,
    actions: tuple[Action, ...] = (),
) -> Change | None:
    incident = Incident(
        seq=11,
        key="api.service",
        check="api",
        checks=("api",),
        unit="api.service",
        state=Phase.REPAIRING,
        failure_class="died",
        reason="died",
        first_bad_at=NOON,
        cause=cause,
        actions=actions,
    )
    world = World(
        state=State(changes=Changes(known=changes)), policy=POLICY, looks={}, now=NOON + timedelta(seconds=20)
    )
    facts = Facts(unit="api.service", at=NOON, snapshot=unit)
    return held_by(Case(world=world, incident=incident, check=CHECK, rule=rule, facts=facts))


def test_the_edit_that_a_down_unit_refuses_holds_everything_back_but_its_restore() -> None:
    assert held(RESTART, EDIT) == EDIT
    assert held(RESTORE, EDIT) is None


@pytest.mark.parametrize("change", [OTHER, DEPLOY])
def test_any_other_change_holds_a_restore_back_too(change: Change) -> None:
    assert held(RESTORE, EDIT, change) == change
    assert held(RESTORE, change, EDIT) == change


def test_what_still_runs_or_failed_for_another_reason_is_left_to_whoever_edits_it() -> None:
    assert held(RESTORE, EDIT, unit=UNIT) == EDIT
    assert held(RESTORE, EDIT, cause="changed") == EDIT


def test_an_edit_that_no_start_has_met_yet_is_not_refused_whatever_the_log_says() -> None:
    assert held(RESTORE, EDIT, unit=replace(DOWN, inactive_exit_at=UNIT.inactive_exit_at)) == EDIT


def test_our_own_restore_holds_nothing_back_and_a_later_edit_does() -> None:
    ours = replace(EDIT, at=NOON + timedelta(seconds=10.5))
    later = replace(EDIT, at=NOON + timedelta(seconds=19))
    assert held(RESTART, EDIT, ours, actions=(restored(),)) is None
    assert held(RESTART, EDIT, ours, later, actions=(restored(),)) == later
    assert held(RESTART, EDIT, OTHER, ours, actions=(restored(),)) == OTHER
    assert held(RESTART, EDIT, actions=(restored("failed"),)) == EDIT


LONG = NOON - timedelta(hours=1)


def good(good_since: datetime | None, *, settled: bool = True, unit: UnitSnapshot = UNIT) -> World:
    health = Health(check="api", status=Status.OK, settled=settled, good=9, good_since=good_since)
    policy = replace(POLICY, checks=(CHECK, replace(API, name="cpu", kind="cpu", unit=None)))
    return World(state=State(units={"api.service": unit}), policy=policy, looks={"api": health}, now=NOON)


def asked(good_since: datetime | None, *, settled: bool = True, unit: UnitSnapshot = UNIT, **before: str) -> list[str]:
    world = good(good_since, settled=settled, unit=unit)
    return [mark for _, mark in due(world, {f"{name}.service": mark for name, mark in before.items()})]


def test_it_is_kept_after_a_minute_and_after_ten_of_each_start_and_not_again() -> None:
    minutes = [timedelta(minutes=number) for number in (0, 1, 2, 10, 30)]
    assert [asked(NOON - one) for one in minutes] == [[], ["a first"], ["a first"], ["a later"], ["a later"]]
    assert asked(NOON - minutes[2], api="a first") == asked(NOON - minutes[4], api="a later") == []
    assert asked(NOON - minutes[3], api="a first") == ["a later"]


def test_it_is_kept_of_nothing_that_is_not_good_or_began_only_now() -> None:
    assert asked(None) == asked(LONG, settled=False) == asked(LONG, unit=DOWN) == []
    assert asked(LONG, unit=replace(UNIT, inactive_exit_at=NOON - timedelta(seconds=59))) == []


def test_the_files_of_all_checks_of_a_unit_are_one_list() -> None:
    more = replace(CHECK, name="web", repair=(RemedyRule(do="restore", files=("/etc/api/b", CONF)),))
    assert files_of(replace(POLICY, checks=(CHECK, more)), "api.service") == (CONF, "/etc/api/b")
