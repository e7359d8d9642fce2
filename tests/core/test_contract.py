"""The JSON that other people's programs read. A change here breaks them: keys and words are only ever added."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core import contract
from opsagent.core.archive.entry import Entry
from opsagent.core.before import Before, Cure
from opsagent.core.change import Change, ChangeKind
from opsagent.core.codec import encode, kind_of
from opsagent.core.events import Event, EvidenceGathered, IncidentReopened, IncidentSuspected, NoteAdded, PauseSet
from opsagent.core.health import Health
from opsagent.core.incident import Action, By, Incident, Told
from opsagent.core.log_row import Row
from opsagent.core.observation import Reading, Severity, Status, ok
from opsagent.core.phase import Outcome, Phase, Repair
from opsagent.core.policy import CheckPolicy, Maintenance, Mode, Policy, RemedyRule
from opsagent.core.state import State
from opsagent.core.suggestion import Suggestion
from opsagent.core.task import Task
from opsagent.core.unit import HostConditions, StopSeen

AT = datetime(2026, 3, 1, 2, 3, 4, 567_891, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


RESTART = Action(
    seq=12,
    at=after(0.1),
    remedy="restart",
    unit="api.service",
    outcome=Outcome.VERIFIED,
    reason="good for 30 s",
    also=("worker.service",),
    attempt=1,
    seconds=0.412_345,
    mode="auto",
)
REFUSED = Action(
    seq=13,
    at=after(40),
    remedy="restart",
    unit="api.service",
    outcome=Outcome.REFUSED,
    guard="hold",
    reason="HOLD is set by root",
)
INCIDENT = Incident(
    seq=11,
    key="api.service",
    check="api",
    checks=("api", "api-port"),
    unit="api.service",
    state=Phase.VERIFYING,
    failure_class="signal",
    reason="api.service failed: signal, killed by signal 9",
    first_bad_at=AT,
    repair=Repair.VERIFYING,
    label="OPS-20260301-001",
    severity=Severity.SEV2,
    detected_at=after(0.05),
    mitigated_at=after(1),
    parent=7,
    recurrence_of="OPS-20260228-004",
    suppressed_by="parent",
    cause="killed",
    because="somebody sent it SIGKILL, and not systemd by a stop",
    certainty="likely",
    other_causes=("possible: / is 100 % full",),
    choice="restart worked 4 of 5 times for this failure, median 2.1 s",
    after_change="bad 4 min after package api 1.22 → 1.24, by ann",
    nearness=("package",),
    changes=(
        Change(
            kind=ChangeKind.PACKAGE,
            subject="api",
            what="1.22 → 1.24",
            at=after(-240),
            units=("api.service",),
            by="ann",
        ),
    ),
    suggestion=Suggestion(
        remedy="restart", unit="api.service", asked_at=after(1), until=after(1801), reason="mode is suggest"
    ),
    actions=(RESTART, REFUSED),
    told=(Told(at=after(300), key="k1", level="oncall", notifier="mail", kind="page", state="sent"),),
)
SEEN = Before(
    occurrences=4,
    last_at=after(-86400),
    last="OPS-20260228-004",
    cures=(
        Cure(by=By.REMEDY, name="restart", times=3, median_seconds=2.1),
        Cure(by=By.PERSON, name="ann", times=1, median_seconds=2460.0),
    ),
    median_seconds=2.4,
    tasks=(Task(text="raise the memory limit", where="incidents/2026/02/OPS-20260228-004.md"),),
    pattern="failures/patterns/api-killed.md",
    entry=Entry(where="failures/bug-patterns.md", line=12, title="API is killed", resolution="raise the limit"),
)
GOLDEN_INCIDENT = {
    "id": "OPS-20260301-001",
    "state": "verifying",
    "repair": "verifying",
    "severity": "SEV2",
    "check": "api",
    "unit": "api.service",
    "first_bad_at": "2026-03-01T02:03:04.567Z",
    "detected_at": "2026-03-01T02:03:04.617Z",
    "acknowledged_at": None,
    "mitigated_at": "2026-03-01T02:03:05.567Z",
    "resolved_at": None,
    "closed_at": None,
    "cause": "killed",
    "reason": "api.service failed: signal, killed by signal 9",
    "parent": "OPS-20260301-000",
    "recurrence_of": "OPS-20260228-004",
    "suppressed_by": "parent",
    "raised_by": None,
    "security": False,
    "needs_code": None,
    "playbook": None,
    "after_change": "bad 4 min after package api 1.22 → 1.24, by ann",
    "because": "somebody sent it SIGKILL, and not systemd by a stop",
    "certainty": "likely",
    "other_causes": ["possible: / is 100 % full"],
    "suggestion": {
        "remedy": "restart",
        "unit": "api.service",
        "asked_at": "2026-03-01T02:03:05.567Z",
        "until": "2026-03-01T02:33:05.567Z",
    },
    "choice": "restart worked 4 of 5 times for this failure, median 2.1 s",
    "changes": [
        {
            "at": "2026-03-01T01:59:04.567Z",
            "kind": "package",
            "subject": "api",
            "what": "1.22 → 1.24",
            "units": ["api.service"],
            "by": "ann",
            "nearness": "package",
            "age_seconds": 240,
        },
    ],
    "actions": [
        {
            "at": "2026-03-01T02:03:04.667Z",
            "remedy": "restart",
            "unit": "api.service",
            "also": ["worker.service"],
            "outcome": "verified",
            "reason": "good for 30 s",
            "seconds": 0.412,
            "by": None,
            "mode": "auto",
        },
        {
            "at": "2026-03-01T02:03:44.567Z",
            "remedy": "restart",
            "unit": "api.service",
            "also": [],
            "outcome": "refused",
            "reason": "HOLD is set by root",
            "seconds": None,
            "by": None,
            "mode": None,
        },
    ],
    "notifications": [
        {"at": "2026-03-01T02:08:04.567Z", "level": "oncall", "notifier": "mail", "state": "sent"},
    ],
    "signs": [],
    "repairs": [],
    "seen_before": {
        "occurrences": 4,
        "last_at": "2026-02-28T02:03:04.567Z",
        "last": "OPS-20260228-004",
        "fixed_by": [
            {"kind": "remedy", "name": "restart", "times": 3, "median_seconds": 2.1},
            {"kind": "person", "name": "ann", "times": 1, "median_seconds": 2460.0},
        ],
        "median_seconds": 2.4,
        "action_items": [
            {"text": "raise the memory limit", "file": "incidents/2026/02/OPS-20260228-004.md"},
        ],
        "pattern": "failures/patterns/api-killed.md",
        "entry": {
            "title": "API is killed",
            "file": "failures/bug-patterns.md",
            "line": 12,
            "resolution": "raise the limit",
        },
    },
}

POLICY = Policy(
    host="web-1",
    checks=(
        CheckPolicy(name="api", kind="http", unit="api.service", repair=(RemedyRule(do="restart"),)),
        CheckPolicy(name="ram", kind="memory"),
    ),
)
STATE = State(
    started_at=AT,
    version="0.1.0",
    pid=4711,
    conditions=HostConditions(),
    incidents={11: INCIDENT},
    last_heartbeat_at=after(5),
)
REFUSAL = Reading(status=Status.CRITICAL, message="refused", failure_class="refused")
BROKEN = Health(check="api", status=Status.CRITICAL, settled=True, since=AT, reading=REFUSAL, bad=3)
HEALTH = {"api": BROKEN}
NEXT = {"api": after(10)}
GOLDEN_STATUS = {
    "host": "web-1",
    "zone": "UTC",
    "mode": "auto",
    "hold": None,
    "daemon": {
        "running": True,
        "pid": 4711,
        "version": "0.1.0",
        "started_at": "2026-03-01T02:03:04.567Z",
        "last_heartbeat_at": "2026-03-01T02:03:09.567Z",
        "next_heartbeat_at": "2026-03-01T02:33:09.567Z",
    },
    "checks": [
        {
            "name": "api",
            "kind": "http",
            "status": "critical",
            "armed": True,
            "since": "2026-03-01T02:03:04.567Z",
            "message": "refused",
            "next_at": "2026-03-01T02:03:14.567Z",
            "suppressed_by": "parent",
            "remedies": [{"remedy": "restart", "mode": "auto", "because": "mode is auto"}],
            "start_within": {"seconds": 60.0, "source": "guessed", "starts": 0, "median": None, "p95": None},
        },
        {
            "name": "ram",
            "kind": "memory",
            "status": "unknown",
            "armed": False,
            "since": None,
            "message": "not looked at yet",
            "next_at": None,
            "suppressed_by": None,
            "remedies": [],
            "start_within": None,
        },
    ],
    "open_incidents": ["OPS-20260301-001"],
    "pending_commands": [],
    "troubles": [],
}


def test_an_incident_has_exactly_these_keys_in_this_order_and_these_words() -> None:
    shown = contract.incident(INCIDENT, "OPS-20260301-000", SEEN)

    assert shown == GOLDEN_INCIDENT
    assert list(shown) == list(GOLDEN_INCIDENT)


def test_the_text_kept_with_an_incident_is_the_same_on_one_line() -> None:
    text = contract.incident_json(INCIDENT, "OPS-20260301-000", SEEN)

    assert json.loads(text) == GOLDEN_INCIDENT
    assert "\n" not in text


def test_status_has_exactly_these_keys_in_this_order_and_these_words() -> None:
    shown = contract.status(STATE, POLICY, HEALTH, after(9), next_at=NEXT, next_heartbeat_at=after(1805))

    assert shown == GOLDEN_STATUS
    assert list(shown) == list(GOLDEN_STATUS)


def test_status_is_json() -> None:
    shown = contract.status(STATE, POLICY, HEALTH, after(9), next_at=NEXT, next_heartbeat_at=after(1805))

    assert json.loads(json.dumps(shown)) == GOLDEN_STATUS


def test_the_reason_is_the_bad_news_of_the_last_time_it_became_bad() -> None:
    again = replace(INCIDENT, again_message="killed by signal 9")

    assert contract.incident(again)["reason"] == "killed by signal 9"


def test_a_refusal_is_listed_once_until_something_else_is_said() -> None:
    again = replace(REFUSED, seq=14)
    other = replace(REFUSED, seq=15, guard="mode", reason="mode is observe")
    once_more = replace(REFUSED, seq=16)
    incident = replace(INCIDENT, actions=(REFUSED, again, other, once_more))

    reasons = [action["reason"] for action in contract.incident(incident)["actions"]]

    assert reasons == ["HOLD is set by root", "mode is observe", "HOLD is set by root"]


def test_an_action_that_was_really_ordered_twice_is_listed_twice() -> None:
    incident = replace(INCIDENT, actions=(RESTART, replace(RESTART, seq=20)))

    assert len(contract.incident(incident)["actions"]) == 2


def test_a_suspect_has_neither_id_nor_severity() -> None:
    suspect = replace(INCIDENT, label=None, severity=None, state=Phase.SUSPECT, detected_at=None)

    shown = contract.incident(suspect)

    assert (shown["id"], shown["severity"], shown["detected_at"], shown["parent"]) == (None, None, None, None)


def test_status_says_what_is_wrong_with_opsagent_itself() -> None:
    state = replace(STATE, refused=("x.yaml:3: wrong", "x.yaml:4: too"), lacking="polkit does not allow: restart a")

    shown = contract.status(state, POLICY, HEALTH, AT, unwritten=["the memory cannot be written (full)"])

    assert shown["troubles"] == [
        "the memory cannot be written (full)",
        "new settings refused, the old ones stay in force (x.yaml:3: wrong, and 1 more)",
        "polkit does not allow: restart a",
    ]


def test_status_names_the_reason_of_a_hold() -> None:
    state = replace(STATE, conditions=HostConditions(hold="root set HOLD: disks are being moved"))

    assert contract.status(state, POLICY, HEALTH, AT)["hold"] == "root set HOLD: disks are being moved"


def test_in_observe_mode_nothing_is_armed() -> None:
    shown = contract.status(STATE, replace(POLICY, mode=Mode.OBSERVE), HEALTH, AT)

    assert shown["mode"] == "observe"
    assert [check["armed"] for check in shown["checks"]] == [False, False]


def test_a_failure_that_is_not_believed_yet_says_so() -> None:
    health = {"api": replace(BROKEN, status=Status.OK, bad=1)}

    shown = contract.status(STATE, POLICY, health, AT)["checks"][0]

    assert (shown["status"], shown["message"]) == ("ok", "refused (bad look 1, believed after 3)")


def test_a_failure_that_must_last_says_how_long() -> None:
    check = replace(POLICY.checks[0], hold=timedelta(minutes=15))
    health = {"api": replace(BROKEN, status=Status.OK, bad=74)}

    shown = contract.status(STATE, replace(POLICY, checks=(check,)), health, AT)["checks"][0]

    assert shown["message"] == "refused (bad look 74, believed after 3 and 15m)"


def test_a_check_that_could_not_look_for_long_is_unknown_whatever_it_was() -> None:
    health = {"api": replace(BROKEN, status=Status.OK, reading=ok("200"), bad=0, blind=3)}

    assert contract.status(STATE, POLICY, health, AT)["checks"][0]["status"] == "unknown"


def test_suspects_and_resolved_incidents_are_not_open() -> None:
    incidents = {1: replace(INCIDENT, state=Phase.SUSPECT), 2: replace(INCIDENT, state=Phase.RESOLVED)}

    assert contract.status(replace(STATE, incidents=incidents), POLICY, HEALTH, AT)["open_incidents"] == []


PAUSE = PauseSet(target="api", until=after(60), pages=True, repairs=True, by="ann", reason="deploy")
CALM = replace(STATE, incidents={})


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (CALM, None),
        (replace(CALM, pauses={"api": PAUSE}), "pause"),
        (replace(CALM, pauses={"api.service": PAUSE}), "pause"),
        (replace(CALM, pauses={"all": PAUSE}), "pause"),
        (replace(CALM, pauses={"ram": PAUSE}), None),
        (replace(CALM, pauses={"api": replace(PAUSE, pages=False)}), None),
        (replace(CALM, pauses={"api": replace(PAUSE, until=after(-1))}), None),
        (replace(CALM, flapping=frozenset({"api"})), "flapping"),
        (replace(CALM, stops={"api.service": StopSeen(unit="api.service", at=AT)}), "operator_stop"),
        (replace(CALM, stops={"api.service": StopSeen(unit="api.service", at=AT, fell_with="db.service")}), None),
        (STATE, "parent"),
    ],
)
def test_a_check_says_what_keeps_people_away_from_it(state: State, word: str | None) -> None:
    assert contract.status(state, POLICY, HEALTH, AT)["checks"][0]["suppressed_by"] == word


def test_a_planned_maintenance_is_named() -> None:
    window = Maintenance(checks=("api",), begins="2026-03-01T02:00", lasts=timedelta(hours=1), zone="UTC")
    policy = replace(POLICY, maintenance=(window,))

    checks = contract.status(CALM, policy, HEALTH, AT)["checks"]

    assert [check["suppressed_by"] for check in checks] == ["maintenance", None]


def row(seq: int, event: Event, seconds: float) -> Row:
    return Row(
        seq=seq,
        at=after(seconds),
        host="web-1",
        boot="b",
        type=kind_of(event),
        v=1,
        incident=11,
        actor="opsagent",
        because=None,
        data=encode(event),
    )


SUSPECTED = IncidentSuspected(
    key="api.service", check="api", unit="api.service", failure_class="refused", message="refused", first_bad_at=AT
)
ROWS = (
    row(11, SUSPECTED, 0),
    row(12, EvidenceGathered(source="journal", lines=("oops",)), 1),
    row(13, IncidentReopened(to=Phase.PAGED, message="cannot happen to a suspect"), 2),
    row(14, NoteAdded(by="ann", text="deploy gone wrong"), 3),
)


def test_an_incident_is_retold_from_the_log_without_what_cannot_be() -> None:
    told = contract.retold(ROWS)

    assert told is not None
    assert [moment.text for moment in told.timeline] == ["refused", "evidence: journal", "ann noted"]


def test_rows_that_begin_with_no_incident_tell_none() -> None:
    assert contract.retold(ROWS[1:]) is None


def test_the_story_has_the_timeline_and_keeps_quoted_words_apart() -> None:
    told = contract.retold(ROWS)
    assert told is not None

    shown = contract.story(told)

    assert list(shown) == [*GOLDEN_INCIDENT, "timeline"]
    assert shown["timeline"][1] == {
        "at": "2026-03-01T02:03:05.567Z",
        "text": "evidence: journal",
        "quoted": ["oops"],
    }
