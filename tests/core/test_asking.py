"""Requests as JSON and back: what is written can be read, and nothing else can."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import asking
from opsagent.core.commands import (
    Acknowledge,
    Alert,
    Approve,
    Command,
    Finding,
    Note,
    Pause,
    Ping,
    Raise,
    RepairNow,
    ReportBackup,
    ReportChange,
    Resolve,
    Resume,
    ReviewNow,
    TestNotifier,
    Trust,
)
from opsagent.core.quantity import Bytes

REQUESTS: list[Command | asking.Question] = [
    Acknowledge(by="ann", incident="OPS-20260301-001", lasts=timedelta(hours=5), keep_repairing=True, note="on it"),
    Acknowledge(by="ann", incident="OPS-20260301-001"),
    Resolve(by="ann", incident="OPS-20260301-001", because="replaced the disk", force=True),
    Pause(by="ann", target="api", lasts=timedelta(minutes=90), because="deploy", repairs=False),
    Resume(by="ann", target="api"),
    RepairNow(by="ann", check="api", remedy="restart", because="it hangs"),
    Approve(by="ann", incident="OPS-20260301-001", remedy="restart"),
    Trust(by="ann", check="api", remedy="restart", because="5 of 5", revoke=True),
    Note(by="ann", incident="OPS-20260301-001", text="seen before in März"),
    Raise(by="ann", text="customers cannot pay", service="checkout", sev="SEV2", paying=True),
    ReportChange(by="ann", text="api 2.3", unit="api.service", change="rollback"),
    ReportBackup(by="ann", job="app", what="drill", good=True, text="proven", size=Bytes(3 << 40), files=Bytes(2)),
    ReviewNow(by="ann"),
    TestNotifier(by="ann", notifier="mail"),
    Finding(by="ann", findings=("the daemon is down", "disk / 97 %")),
    Ping(
        by="ann", job="backup", state="fail", lines=("disk full",), lasted=timedelta(seconds=90), exit_code=3, run="r"
    ),
    Alert(by="ann", fingerprint="a1", name="DiskFull", text="/srv is full", severity="critical", over=True),
    asking.JobsAsked(),
    asking.EnvironmentAsked(),
    asking.StatusAsked(),
    asking.TrustAsked(),
    asking.MetricsAsked(),
    asking.WhyAsked(check="api"),
    asking.IncidentsAsked(open_only=True, since=timedelta(days=2), check="api", limit=5),
    asking.ChangesAsked(since=timedelta(days=2), limit=5),
    asking.IncidentAsked(incident="001"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
def test_every_request_survives_the_way_through_json(request_: Command | asking.Question) -> None:
    text = json.dumps(asking.body(request_, datetime(2026, 3, 1, tzinfo=UTC)))

    assert asking.read(json.loads(text), by="ann") == request_


def test_every_kind_is_tried_above() -> None:
    assert {type(request) for request in REQUESTS} == set(asking.KINDS.values())


def test_who_asked_is_never_taken_from_the_request() -> None:
    read = asking.read({"kind": "resume", "target": "api", "by": "root", "uuid": "forged"}, by="nobody", uuid="u-1")

    assert read == Resume(by="nobody", uuid="u-1", target="api")


def test_a_spooled_request_says_when_it_was_asked() -> None:
    at = datetime(2026, 3, 1, 2, 3, 4, tzinfo=UTC)

    body = asking.body(Resume(by="ann", target="api"), at)

    assert body == {"v": 1, "kind": "resume", "at": "2026-03-01T02:03:04.000Z", "by": "ann", "target": "api"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "allowed: a JSON object with v 1 and a kind"),
        (None, "allowed: a JSON object with v 1 and a kind"),
        ({"v": 2, "kind": "status"}, "allowed: a JSON object with v 1 and a kind"),
        ({}, "cannot find a request of kind None, allowed: status, why, incidents"),
        ({"kind": ["status"]}, "cannot find a request of kind ['status'], allowed"),
        ({"kind": "stop"}, "cannot find a request of kind 'stop', allowed"),
        ({"kind": "why"}, "cannot do this without check, needed: check"),
        ({"kind": "pause", "target": "api"}, "cannot do this without lasts, needed: lasts, because"),
        ({"kind": "status", "check": "x"}, "cannot use 'check' here, allowed: nothing"),
        ({"kind": "why", "check": 7}, "cannot use 7 as check, allowed: text"),
        ({"kind": "pause", "target": "a", "lasts": 7, "because": "b"}, "cannot use 7 as lasts, allowed: a duration"),
        ({"kind": "pause", "target": "a", "lasts": "7", "because": "b"}, "write 7s (units: ms, s, m, h, d) (lasts)"),
        ({"kind": "ack", "incident": "a", "keep_repairing": 1}, "cannot use 1 as keep_repairing, allowed: true or f"),
        ({"kind": "incidents", "limit": True}, "cannot use True as limit, allowed: a whole number from 1 to 10000"),
        ({"kind": "incidents", "limit": -1}, "cannot use -1 as limit, allowed: a whole number from 1 to 10000"),
        ({"kind": "healthcheck", "findings": "x"}, "cannot use 'x' as findings, allowed: a list of texts"),
        ({"kind": "healthcheck", "findings": [1]}, "cannot use [1] as findings, allowed: a list of texts"),
    ],
)
def test_what_nobody_can_carry_out_is_refused_with_what_is_allowed(body: object, words: str) -> None:
    with pytest.raises(asking.RequestError) as refused:
        asking.read(body, by="ann")

    assert words in str(refused.value)


def test_text_from_outside_is_cut_and_its_control_characters_are_shown() -> None:
    read = asking.read({"kind": "note", "incident": "001", "text": "a\nb\x1b[31m" + "x" * 9000}, by="ann")

    assert isinstance(read, Note)
    assert read.text.startswith("a\\x0ab\\x1b[31mx")
    assert len(read.text) == asking.LONGEST_TEXT


def test_a_flood_of_findings_is_cut() -> None:
    read = asking.read({"kind": "healthcheck", "findings": ["x"] * 5000}, by="ann")

    assert isinstance(read, Finding)
    assert len(read.findings) == asking.MOST_FINDINGS


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Pause(by="ann", target="api", lasts=timedelta(hours=2), because="deploy"), "pause api for 2h"),
        (Acknowledge(by="ann", incident="OPS-20260301-001"), "ack OPS-20260301-001"),
        (RepairNow(by="ann", check="api"), "repair api"),
        (TestNotifier(by="ann"), "notify"),
        (Ping(by="ann", job="nightly", state="fail", lasted=timedelta(hours=2)), "ping nightly fail"),
    ],
)
def test_a_waiting_request_is_shown_in_a_few_words(request_: Command, words: str) -> None:
    assert asking.summary(request_) == words


JSON = st.one_of(
    st.sampled_from([None, True, 0, 1, -1, 1e300, "2h", "", "99999999999d", "api", "\ud800", [], ["a"], [None], {}]),
    st.text(max_size=5),
)
FIELDS = st.sampled_from(["target", "lasts", "because", "incident", "findings", "limit", "check", "pages", "v", "by"])


@given(kind=st.sampled_from([*asking.KINDS, "x"]), fields=st.dictionaries(FIELDS, JSON, max_size=4))
def test_any_json_is_a_request_or_is_refused(kind: str, fields: dict[str, object]) -> None:
    try:
        read = asking.read({**fields, "kind": kind}, by="ann")
    except asking.RequestError:
        return

    assert isinstance(read, Command | asking.Question)
