"""Stories of a daemon that dies at every record, before it is on the disk and after; and of a disk that fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from opsagent.core import events as ev
from opsagent.core import inbox
from opsagent.core.fold import replay
from opsagent.core.log_row import StoreError, StoreTrouble
from opsagent.core.observation import Observation, Reading, Status, ok
from opsagent.core.phase import Outcome, Phase
from opsagent.core.policy import RemedyRule
from opsagent.core.state import State
from opsagent.core.unit import JobOutcome
from tests.core.live_host import LiveHost
from tests.core.story_host import MemoryLog
from tests.core.test_people_stories import WATCHED, host_of, policy_of
from tests.core.test_stories import API

if TYPE_CHECKING:
    from opsagent.core.log_row import Batch, Row


class DiedError(Exception):
    """The daemon is gone."""


@dataclass
class DyingLog(MemoryLog):
    """Dies at its n-th record: before it is on the disk, or right after."""

    dies_at: int = 0
    recorded_first: bool = False
    records: int = 0

    def commit_or_hold(self, batch: Batch) -> tuple[Row, ...]:
        if not batch.rows:
            return super().commit_or_hold(batch)
        self.records += 1
        if self.records == self.dies_at and not self.recorded_first:
            raise DiedError
        rows = super().commit_or_hold(batch)
        if self.records == self.dies_at:
            raise DiedError
        return rows


def dying_host(check: object, *, dies_at: int, recorded_first: bool) -> LiveHost:
    host = LiveHost(policy_of(check))
    host.log = DyingLog(dies_at=dies_at, recorded_first=recorded_first)
    host.agent._log = host.log
    return host


def live(host: LiveHost) -> None:
    """The story: it runs, it is killed, it is good again; told to the end of the reopen window."""
    host.serve("api.service")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=45)


def born_again(dead: LiveHost) -> LiveHost:
    """A new process over the same host and the same log: it asks systemd what became of the orders that it gave."""
    state, skipped = replay(State(), dead.recorded)
    assert skipped == 0
    host = LiveHost(dead.agent.policy, now=dead.now + timedelta(seconds=2), state=state)
    host.log.rows = list(dead.log.rows)
    host.services, host.units, host.delivered = dead.services, dead.units, dead.delivered
    host.take(inbox.Started(version="1", pid=2))
    for incident in list(state.incidents.values()):
        if incident.running is not None and incident.running.ended_at is None:
            host.take(fate(host, incident.seq, incident.running))
    for service in host.services.values():
        host.take(inbox.UnitSeen(snapshot=replace(service.unit, read_at=host.now)))
    return host


def fate(host: LiveHost, incident: int, action: object) -> inbox.ActionDone:
    after = replace(host.services[action.unit].unit, read_at=host.now)
    went = after.invocation_id != action.before
    return inbox.ActionDone(
        incident=incident, action=action.seq, outcome=JobOutcome(result="done" if went else "unknown", after=after)
    )


def records_of(check: object) -> int:
    host = dying_host(check, dies_at=0, recorded_first=False)
    live(host)
    return host.log.records


def told_after_dying(check: object, place: int, *, recorded_first: bool) -> LiveHost:
    dead = dying_host(check, dies_at=place, recorded_first=recorded_first)
    with pytest.raises(DiedError):
        live(dead)
    host = born_again(dead)
    if host.services["api.service"].unit.active_state == "active" and not host.services["api.service"].restarts:
        host.kill("api.service")
    host.run(minutes=45)
    return host


@pytest.mark.parametrize("recorded_first", [False, True], ids=["before", "after"])
def test_wherever_it_dies_in_a_repair_each_restart_is_counted_and_none_is_done_twice(recorded_first: bool) -> None:
    places = records_of(API)
    assert places > 8

    for place in range(2, places + 1):
        host = told_after_dying(API, place, recorded_first=recorded_first)
        restarts = host.services["api.service"].restarts
        requested = [one for one in host.recorded if isinstance(one.event, ev.ActionRequested)]
        assert len(restarts) == 1, place
        assert len(restarts) <= len(requested) <= 2, place
        assert host.services["api.service"].is_ready(host.now), place
        assert not host.agent.state.open_incidents, place
        assert host.agent.unsettled == 0
        assert host.told("page") == [], place


@pytest.mark.parametrize("recorded_first", [False, True], ids=["before", "after"])
def test_wherever_it_dies_no_page_is_lost_and_at_most_one_is_told_twice(recorded_first: bool) -> None:
    for place in range(2, records_of(WATCHED) + 1):
        host = told_after_dying(WATCHED, place, recorded_first=recorded_first)
        pages = [owed.key for owed in host.told("page") if owed.level == "oncall"]
        assert len(set(pages)) == 2, place
        assert len(pages) <= 4, place


def test_an_order_that_nobody_saw_the_end_of_is_not_given_again_before_a_look() -> None:
    dead = dying_host(API, dies_at=0, recorded_first=False)
    dead.serve("api.service")
    dead.run(seconds=60)
    dead.log.recorded_first = True
    dead.log.dies_at = dead.log.records + 2
    with pytest.raises(DiedError):
        dead.kill("api.service")

    host = born_again(dead)

    assert [one.outcome for one in host.incident.actions] == [Outcome.UNKNOWN]
    assert (host.orders.acted, host.services["api.service"].restarts) == ([], [])
    host.run(seconds=15)
    assert [one.attempt for one in host.incident.actions if one.attempt] == [1, 2]
    assert len(host.services["api.service"].restarts) == 1


def disk_full(host: LiveHost) -> None:
    host.log.broken = host.log.trouble = StoreError(StoreTrouble.FULL, "cannot write the event log: no space left")


def test_with_a_full_disk_no_action_is_ordered_and_looks_and_pages_go_on() -> None:
    host = host_of(API)
    disk_full(host)

    host.kill("api.service")
    host.run(minutes=6)

    assert host.services["api.service"].restarts == []
    assert host.incident.state is Phase.PAGED
    assert len(host.told("page")) == 2


def test_a_look_is_told_that_it_is_recorded_once_it_is_and_not_while_the_disk_refuses() -> None:
    host, recorded = host_of(API), list[int]()
    dead = Reading(status=Status.CRITICAL, message="dead", failure_class="dead", conclusive=True)
    rows = len(host.log.rows)

    def look(reading: Reading) -> None:
        seen = Observation(check="api", reading=reading, at=host.now)
        host.take(inbox.Looked(seen=seen, recorded=lambda: recorded.append(len(host.log.rows))))

    look(dead)
    (at,) = recorded
    disk_full(host)
    look(ok("good"))
    refused = len(recorded)
    host.log.broken = host.log.trouble = None
    host.take()

    assert at > rows
    assert (refused, len(recorded)) == (1, 2)


def test_once_the_disk_has_room_again_the_repair_goes_on() -> None:
    host = host_of(API)
    disk_full(host)
    host.kill("api.service")
    host.run(minutes=2)

    host.log.broken = host.log.trouble = None
    host.run(minutes=1)

    assert len(host.services["api.service"].restarts) == 1


def test_the_disk_that_fails_at_the_very_order_stops_it() -> None:
    host = host_of(API)
    host.log.broken = StoreError(StoreTrouble.FULL, "cannot write the event log: no space left")

    host.kill("api.service")
    host.run(seconds=30)

    assert host.services["api.service"].restarts == []
    assert host.events(ev.ActionRequested) == []


def limited(*remedies: str) -> LiveHost:
    host = host_of(replace(API, repair=tuple(RemedyRule(do=one) for one in remedies)))
    host.keeps_invocation = True
    host.services["api.service"].can_start = False
    host.kill("api.service")
    return host


def test_a_start_limit_is_cleared_once_after_a_minute_when_both_are_armed() -> None:
    host = limited("restart", "reset_failed")
    host.run(seconds=50)
    assert [one.remedy for one in host.incident.actions if one.attempt] == ["restart"]

    host.run(seconds=30)
    host.services["api.service"].can_start = True
    host.run(minutes=1)

    remedies = [one.remedy for one in host.incident.actions if one.attempt]
    assert remedies[:2] == ["restart", "reset_failed"]
    first, second = [one for one in host.incident.actions if one.attempt][:2]
    assert timedelta(seconds=60) <= second.at - first.ended_at < timedelta(seconds=62)


def test_a_start_limit_that_may_not_be_cleared_goes_to_a_person_at_once() -> None:
    host = limited("restart")

    host.run(seconds=5)

    assert len(host.told("page")) == 2
    assert "start limit hit" in host.told("page")[0].reason
