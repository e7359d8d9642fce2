"""Strangers learn what happens, never where or to whom."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsagent.core import aliases
from opsagent.core.message import Message, MessageKind
from opsagent.core.observation import Severity
from opsagent.core.policy import CheckPolicy, Escalation, Level, NotifierPolicy, Policy

POLICY = Policy(
    host="web-1",
    checks=(
        CheckPolicy(name="billing", kind="http", unit="billing-api.service"),
        CheckPolicy(name="billing-db", kind="listen", unit="redis-server.service"),
        CheckPolicy(name="root-disk", kind="disk"),
    ),
    notifiers=(NotifierPolicy(name="mail", kind="apprise"), NotifierPolicy(name="hook", kind="webhook")),
    escalation=Escalation(
        levels=(Level(name="oncall", after=timedelta(), notify=("mail",)),),
        by_severity=((Severity.SEV1, (Level(name="boss", after=timedelta(), notify=("hook",)),)),),
    ),
)
PAGE = Message(
    key="7:oncall:1:mail",
    kind=MessageKind.PAGE,
    host="web-1",
    title="[PAGE SEV2] web-1: billing down, restart does not help",
    body="Since 03:41 (1 min), 3.1 s late.",
    reason="2 restarts of billing-api.service did not help",
    as_of=datetime(2026, 11, 18, 3, 42, tzinfo=UTC),
    incident="OPS-20261118-002",
    incident_json=json.dumps(
        {
            "changes": [{"kind": "login", "subject": "ann", "what": "from 192.0.2.1"}],
            "id": "OPS-20261118-002",
            "unit": "billing-api.service",
            "actions": [{"also": ["worker.service"], "seconds": 1.5, "by": "ann"}],
            "raised_by": "ann",
            "notifications": [{"level": "oncall", "notifier": "mail"}],
            "parent": None,
        }
    ),
    severity="SEV2",
)


def hidden(text: str) -> str:
    return aliases.public(replace(PAGE, body=text), POLICY).body


def test_names_become_aliases_everywhere() -> None:
    public = aliases.public(PAGE, POLICY)

    assert public.host == "host-01"
    assert public.title == "[PAGE SEV2] host-01: check-01 down, restart does not help"
    assert public.reason == "2 restarts of unit-01 did not help"
    assert public.body == PAGE.body
    assert (public.incident, public.severity, public.kind, public.as_of) == (
        PAGE.incident,
        PAGE.severity,
        PAGE.kind,
        PAGE.as_of,
    )
    assert json.loads(public.incident_json) == {
        "id": "OPS-20261118-002",
        "unit": "unit-01",
        "actions": [{"also": ["[unit]"], "seconds": 1.5, "by": None}],
        "raised_by": None,
        "notifications": [{"level": "level-01", "notifier": "notifier-01"}],
        "parent": None,
    }


def test_strangers_read_neither_what_a_log_said_nor_who_changed_what() -> None:
    lines = ("Likely: no space left: INSERT ann 4711.", "Cause: port 80 is held by caddy.", "Playbook: Ann's bug.")
    more = ("Changed before: package x by ann.", "It was bad 4 min after package x, by ann.")
    assert hidden("\n".join(("Since 03:41.", *lines, *more))) == "Since 03:41."
    told = json.dumps({"cause": "disk-full", "because": "ann", "other_causes": ["ann"], "after_change": "bad: ann"})
    public = aliases.public(replace(PAGE, incident_json=told), POLICY)
    assert json.loads(public.incident_json) == {"cause": "disk-full"}


def test_the_key_is_one_per_message_and_tells_nothing() -> None:
    first, again = aliases.public(PAGE, POLICY), aliases.public(PAGE, POLICY)
    other = aliases.public(replace(PAGE, key="8:oncall:1:mail"), POLICY)

    assert first.key == again.key != other.key
    assert "oncall" not in first.key


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("billing-db fell, billing did not", "check-02 fell, check-01 did not"),
        ("redis-server and billing-api", "unit-02 and unit-01"),
        ("BILLING and Web-1", "check-01 and host-01"),
        ("billings rebilling billing_x", "billings rebilling billing_x"),
        ("web-1.example.org said no", "[name] said no"),
        ("told boss by hook", "told level-02 by notifier-02"),
        ("cannot connect to 10.0.0.7:5432: refused", "cannot connect to [address]:5432: refused"),
        ("from fe80::1 or ::1 at 03:41:05", "from [address] or [address] at 03:41:05"),
        ("cannot connect to ::1: refused", "cannot connect to [address]: refused"),
        ("GET http://10.0.0.7/health answered 500", "GET [url] answered 500"),
        ("/etc/billing/config.yml changed", "[path] changed"),
        ("root@db3.example.org", "[address]"),
        ("nginx.service and getty@tty1.service", "[unit] and [unit]"),
        ("exits with 78 after 3.1 s, 61 of 61, 85 %, and/or", "exits with 78 after 3.1 s, 61 of 61, 85 %, and/or"),
        ("attempt 1 of 3 in 30 min, approved by ann", "attempt 1 of 3 in 30 min, approved by a person"),
        ("Not tried: x was stopped by j.doe at 03:41.", "Not tried: x was stopped by a person at 03:41."),
        ("Taken by ann. When the hold ends", "Taken by a person. When the hold ends"),
        (
            "[CLOSED SEV2] web-1: x closed by ann, open for 1 h",
            "[CLOSED SEV2] host-01: x closed by a person, open for 1 h",
        ),
        ("closed by opsagent, stopped by an operator", "closed by opsagent, stopped by an operator"),
        ("Closed by: ann, who said so. I did nothing.", "Closed by: a person, who said so. I did nothing."),
        ("Fixed by: restart of x at 03:41 (try 1).", "Fixed by: restart of x at 03:41 (try 1)."),
        ("bad 4 min after package x, by ann", "bad 4 min after package x, by a person"),
        (
            "the hold of ann ends at 03:41, ann has held it until now",
            "the hold of a person ends at 03:41, a person has held it until now",
        ),
        ("", ""),
    ],
)
def test_what_tells_about_the_host_is_masked_and_the_rest_stays(text: str, public: str) -> None:
    assert hidden(text) == public


def test_a_check_added_at_the_end_moves_no_alias() -> None:
    more = replace(POLICY, checks=(*POLICY.checks, CheckPolicy(name="a-new-one", kind="tcp", unit="new.service")))

    assert aliases.public(PAGE, more) == aliases.public(PAGE, POLICY)


def test_a_message_without_an_incident_is_taken() -> None:
    assert aliases.public(replace(PAGE, incident=None, incident_json=""), POLICY).incident_json == ""


def test_long_hostile_text_costs_little() -> None:
    text = "a." * 20_000 + "/" * 20_000 + ":" * 20_000 + "@" * 20_000 + "://" * 5_000

    started = time.process_time()
    hidden(text)

    assert time.process_time() - started < 1
