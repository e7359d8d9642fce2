"""`why` explains every check in at most twelve lines, whatever state it is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core import why
from opsagent.core.health import Health
from opsagent.core.incident import Incident
from opsagent.core.observation import Reading, Severity, Status, ok
from opsagent.core.phase import Phase, Repair
from opsagent.core.policy import CheckPolicy, Mode, Policy, RemedyRule
from opsagent.core.state import Attempt, Breaker, Past, State
from opsagent.core.unit import HostConditions, StopSeen, UnitSnapshot
from opsagent.core.world import World

NOW = datetime(2026, 3, 2, 2, 10, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


API = CheckPolicy(
    name="api", kind="http", unit="api.service", every=timedelta(seconds=10), repair=(RemedyRule(do="restart"),)
)
RAM = CheckPolicy(name="ram", kind="memory")
POLICY = Policy(host="web-1", zone="Europe/Berlin", checks=(API, RAM))
REFUSED = Reading(status=Status.CRITICAL, message="connection refused", failure_class="refused")
BROKEN = Health(check="api", status=Status.CRITICAL, settled=True, since=ago(120), at=ago(2), reading=REFUSED, bad=9)
GOOD = Health(check="ram", status=Status.OK, settled=True, since=ago(9000), at=ago(30), reading=ok("40 % used"), good=9)
UNIT = UnitSnapshot(name="api.service", read_at=ago(2), active_state="failed", active_enter_at=ago(9000))
INCIDENT = Incident(
    seq=11,
    key="api.service",
    check="api",
    checks=("api",),
    unit="api.service",
    state=Phase.PAGED,
    failure_class="refused",
    reason="connection refused",
    first_bad_at=ago(120),
    label="OPS-20260302-001",
    severity=Severity.SEV2,
    repair=Repair.EXHAUSTED,
    repair_reason="3 repairs in 30 min",
    next_repair_at=NOW + timedelta(hours=1),
    next_level_at=NOW + timedelta(minutes=30),
)
ATTEMPTS = tuple(
    Attempt(action=n, incident=11, unit="api.service", also=(), at=ago(n), ended_at=ago(n - 1)) for n in (110, 60, 20)
)
STATE = State(units={"api.service": UNIT}, incidents={11: INCIDENT}, attempts=ATTEMPTS)
WORLD = World(state=STATE, policy=POLICY, looks={"api": BROKEN, "ram": GOOD}, now=NOW)


def explained(world: World, name: str = "api") -> str:
    return "\n".join(why.lines(world, name))


def test_an_incident_that_was_given_up_is_explained_whole() -> None:
    told = why.lines(WORLD, "api", next_at=NOW + timedelta(seconds=5))

    agree = (
        "security, mode, armed, denied, operator_stop, own_stop, masked, disabled, oneshot, job, busy, quiet, deploy"
    )
    later = "next level told 03:40:00; repair asked again 04:10:00"
    bad = "bad after 3 bad looks in a row, 5s apart"
    guess = "waits up to 60 s after a start: a guess until 3 starts are known, now 0"
    assert told == (
        "api (http, api.service) is critical since 03:08 (2 min)",
        "Seen: connection refused, at 03:09:58 Europe/Berlin",
        f"Rule: {bad}; good again after 2 good ones and 30s; {guess}. Now: 9 bad in a row",
        "State: OPS-20260302-001 SEV2 is paged, repair exhausted (3 repairs in 30 min)",
        "Armed: restart of api.service, mode auto",
        "Budget: 3 of 3 used in 30m, 3 of 8 in 24h; host 3 of 6 in 1h",
        "Guard budget: no, api.service: 3 repairs in 30 min (limit 3) (again at 04:10:00)",
        (
            f"Guards that agree: hold, {agree}, boot, overload, flapping, root, breaker, change, just_started, "
            "dependency, cause, experience"
        ),
        f"Next: looked at 03:10:05; {later}; tried again slowly, checked on and on",
    )


def test_a_planned_repair_is_named_with_one_time_only() -> None:
    later = replace(INCIDENT, exhausted=1, next_repair_at=NOW + timedelta(minutes=55))

    told = explained(replace(WORLD, state=replace(STATE, incidents={11: later})))

    assert "(limit 3) (again at 04:05:00)" in told
    assert "repair asked again 04:05:00" in told


def test_a_good_check_says_what_would_be_done() -> None:
    world = replace(WORLD, state=State(units={"api.service": replace(UNIT, active_state="active")}))

    told = explained(world)

    assert "State: no incident" in told
    assert "when it is believed to be bad: restart at once, if every guard agrees" in told


def test_a_check_that_is_only_watched_says_so() -> None:
    told = explained(WORLD, "ram")

    assert "ram (memory) is ok since 00:40 (2 h 30 min)" in told
    assert "Armed: no, only watched (repair: [])" in told
    assert "Guards: not asked, it has no unit and nothing is to be repaired" in told
    assert "recorded, and told to people by its severity" in told
    assert "Budget" not in told


def test_a_unit_that_is_only_watched_is_refused_by_its_guard() -> None:
    told = explained(replace(WORLD, policy=replace(POLICY, checks=(replace(API, repair=()), RAM))))

    assert "Guard armed: no, api is not armed (repair: [])" in told


def test_observe_mode_promises_no_repair() -> None:
    calm = replace(WORLD, state=State(units={"api.service": UNIT}), policy=replace(POLICY, mode=Mode.OBSERVE))

    told = explained(calm)

    assert "Guard mode: no, mode is observe" in told
    assert "at once" not in told


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"state": Phase.SUSPECT}, "State: suspected since 03:08:00, not believed yet"),
        (
            {"state": Phase.ACKNOWLEDGED, "acknowledged_by": "ann", "ack_until": NOW + timedelta(hours=1)},
            "State: OPS-20260302-001 SEV2 is acknowledged by ann, repair exhausted",
        ),
        (
            {"state": Phase.ACKNOWLEDGED, "acknowledged_by": "ann", "ack_until": NOW + timedelta(hours=1)},
            "the hold ends 04:10:00",
        ),
        ({"ack_until": NOW + timedelta(hours=1)}, "repair asked again 04:10:00; tried again"),
        ({"suppressed_by": "parent"}, "quiet because of parent"),
        ({"state": Phase.SNOOZED, "snoozed_until": NOW + timedelta(hours=1)}, "the quiet ends 04:10:00"),
        (
            {"state": Phase.VERIFYING, "good_since": ago(60), "repair": Repair.IDLE, "repair_reason": ""},
            "resolved 03:14:00 if it stays good",
        ),
    ],
)
def test_every_state_is_told_in_words(changes: dict[str, object], line: str) -> None:
    incident = replace(INCIDENT, **changes)

    assert line in explained(replace(WORLD, state=replace(STATE, incidents={11: incident})))


def test_a_check_that_was_never_looked_at_says_so() -> None:
    told = explained(replace(WORLD, looks={}, state=State()))

    assert "Seen: nothing yet" in told
    assert "Now: not looked at yet" in told


def test_a_unit_is_as_good_as_the_name_of_its_check() -> None:
    assert explained(WORLD, "api.service") == explained(WORLD, "api")


def test_a_unit_may_be_named_as_systemctl_lets_one_name_it() -> None:
    check = replace(API, name="api-18080")
    world = replace(WORLD, policy=replace(POLICY, checks=(check,)))

    assert explained(world, "api").startswith("api-18080 (http, api.service)")


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"cannot find check 'apu', known: api, ram"):
        why.lines(WORLD, "apu")


def everything_at_once() -> World:
    state = replace(
        STATE,
        conditions=HostConditions(hold="root said so", busy="apt is at work", system_state="starting"),
        stops={"api.service": StopSeen(unit="api.service", at=ago(5), by="ann")},
        flapping=frozenset({"api"}),
        breaker=Breaker(opened_at=ago(9), last_at=ago(9), keys=("a", "b", "c")),
        units={"api.service": replace(UNIT, load_state="masked", job="stop")},
    )
    return replace(WORLD, state=state, policy=replace(POLICY, mode=Mode.OBSERVE))


def test_when_every_guard_says_no_it_is_still_twelve_lines() -> None:
    told = why.lines(everything_at_once(), "api")

    assert len(told) == why.MOST_LINES
    assert told[6] == "Guard hold: no, HOLD: root said so"
    assert told[9].startswith("Guards that say no as well: masked, ")
    assert told[-1].startswith("Next: ")


def test_words_from_outside_stay_on_their_line() -> None:
    hostile = replace(BROKEN, reading=replace(REFUSED, message="a\nb\x1b[2J" + "x" * 5000))

    told = why.lines(replace(WORLD, looks={"api": hostile}), "api")

    assert told[1].startswith("Seen: a\\x0ab\\x1b[2Jx")
    assert all(len(line) <= why.LONGEST_LINE for line in told)


REPORTED = replace(
    INCIDENT,
    seq=12,
    key="payments",
    check="payments",
    checks=(),
    unit=None,
    reason="customers cannot pay",
    raised_by="http",
    awaits_person=True,
    label="OPS-20260302-002",
    repair=Repair.IDLE,
    next_repair_at=None,
)
OVER = Past(
    seq=3, label="OPS-20260227-001", key="disk-old", check="disk-old", fingerprint="f",
    first_bad_at=ago(3 * 86400), closed_at=ago(2 * 86400), healed=False, seconds=720.0,
)  # fmt: skip


@pytest.mark.parametrize("name", ["OPS-20260302-002", "ops-20260302-002", "payments"])
def test_what_somebody_reported_is_explained_by_its_incident(name: str) -> None:
    told = explained(replace(WORLD, state=replace(STATE, incidents={12: REPORTED})), name)

    assert "payments: customers cannot pay since 03:08 (2 min)" in told
    assert "State: OPS-20260302-002 SEV2 is paged, repair idle" in told
    assert "Reported by http; no check sees it, only a person ends it: opsagent resolve OPS-20260302-002" in told
    assert "Next: next level told 03:40:00" in told
    assert ("no check of the settings" in told) is (name == "payments")


def test_an_incident_that_a_check_decides_is_explained_by_the_check() -> None:
    assert why.lines(WORLD, "OPS-20260302-001") == why.lines(WORLD, "api")


def test_a_check_that_left_the_settings_is_told_by_its_incidents() -> None:
    told = why.lines(replace(WORLD, state=replace(STATE, past=(OVER,))), "disk-old")

    over = "disk-old: over, bad from 2026-02-27 03:10 Europe/Berlin for 12 min, not repaired by opsagent"
    assert told == (
        "disk-old: no check of the settings is called so (any more); its incidents in 30 days:",
        f"OPS-20260227-001 {over}; look: opsagent show OPS-20260227-001",
    )


def test_what_is_open_about_a_check_beside_its_own_looks_is_named() -> None:
    found = replace(REPORTED, check="ram", label="OPS-20260302-003", raised_by="", awaits_person=False, blind=True)

    told = explained(replace(WORLD, state=replace(STATE, incidents={12: found})), "ram")

    assert "State: no incident; beside it OPS-20260302-003 SEV2 is paged: why OPS-20260302-003" in told


@pytest.mark.parametrize(
    ("last", "line"),
    [
        ("reload is next of what is allowed, and was never tried for this failure", ""),
        (
            "restart is what killed calls for",
            "Choice: restart is next of what is allowed, and was never tried for this",
        ),
    ],
)
def test_that_a_remedy_was_never_tried_is_told_only_beside_what_is_news(last: str, line: str) -> None:
    incident = replace(INCIDENT, choice=last)

    told = explained(replace(WORLD, state=replace(STATE, incidents={11: incident})))

    assert (line in told, "Choice" in told, f"the last: {last}" in told) == (True, bool(line), bool(line))
