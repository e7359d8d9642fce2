"""The JSON of a message is a contract with other people's programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from opsagent.core import payload
from opsagent.core.message import Message, MessageKind

TEST = Message(
    key="k",
    kind=MessageKind.TEST,
    host="web-1",
    title="t",
    body="b",
    reason="r",
    as_of=datetime(2026, 11, 18, 4, 42, 7, 123456, tzinfo=timezone(timedelta(hours=1))),
)


def test_the_keys_are_these_and_time_is_utc_in_milliseconds() -> None:
    found = json.loads(payload.encode(TEST))

    assert found == {
        "v": 1,
        "event": "test",
        "incident": None,
        "reason": "r",
        "as_of": "2026-11-18T03:42:07.123Z",
        "key": "k",
        "host": "web-1",
        "severity": "",
        "title": "t",
        "body": "b",
    }


def test_an_incident_of_which_only_the_label_is_known_has_its_id() -> None:
    found = json.loads(payload.encode(replace(TEST, incident="OPS-20261118-001")))

    assert found["incident"] == {"id": "OPS-20261118-001"}


def test_it_is_one_line_of_ascii_whatever_the_text() -> None:
    raw = payload.encode(replace(TEST, body="caf\u00e9\n\udcff\u2028"))

    assert raw.isascii()
    assert b"\n" not in raw
    assert json.loads(raw)["body"] == "caf\u00e9\n\udcff\u2028"
