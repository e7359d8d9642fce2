"""What leaves this host: a public audience is given aliases, a private one the names it needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opsagent import checks, notifiers, remedies
from opsagent.core.state import Owed
from opsagent.core.world import FactsWanted
from opsagent.daemon.hands import Hands
from opsagent.daemon.rights import Rights
from opsagent.settings import Account, load_text

if TYPE_CHECKING:
    from opsagent.core.message import Message

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
KINDS = {name: checks.kind(name) for name in checks.KINDS}
NOTIFIERS = {name: notifiers.kind(name) for name in notifiers.KINDS}
ADA = Account(uid=1000, name="ada", home=Path("/home/ada"))
SETTINGS = """
host: web-1
checks: [{name: billing, kind: http, url: 'http://10.0.0.7:8000/health', unit: billing.service}]
notifiers: [{name: hook, kind: command, command: [/bin/true], audience: AUDIENCE}]
"""


def sent(audience: str, monkeypatch: pytest.MonkeyPatch) -> Message:
    """Return what a notifier of that audience was given for one page."""
    got: list[Message] = []
    monkeypatch.setattr(NOTIFIERS["command"], "send", lambda _, message, **__: got.append(message) or ())
    arrived: list[Any] = []
    hands = Hands(arrived.append, lambda: NOW, lambda _: None, Rights())
    hands.use(
        load_text(SETTINGS.replace("AUDIENCE", audience), KINDS, remedies.KINDS, NOTIFIERS, ADA), cursor="", since=NOW
    )
    hands._send(
        Owed(
            key="page:1",
            seq=1,
            notifier="hook",
            level="everyone",
            kind="page",
            incident=None,
            title="[PAGE SEV2] web-1: billing down",
            body="cannot connect to 10.0.0.7:8000; billing.service, /srv/billing/config.yml",
            reason="billing failed",
            queued_at=NOW,
            next_at=NOW,
            expires_at=NOW + timedelta(hours=1),
        )
    )
    assert [one.delivered for one in arrived] == [True]
    return got[0]


def test_a_public_audience_reads_aliases_and_nothing_of_what_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent("public", monkeypatch)

    assert message.title == "[PAGE SEV2] host-01: check-01 down"
    for inside in ("web-1", "billing", "10.0.0.7", "/srv"):
        assert inside not in f"{message.host} {message.title} {message.body} {message.reason} {message.key}"


def test_a_private_audience_reads_the_names_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    message = sent("private", monkeypatch)

    assert message.title == "[PAGE SEV2] web-1: billing down"
    assert "/srv/billing/config.yml" in message.body


def test_a_repair_hears_its_facts_also_where_nobody_can_tell_what_was_changed() -> None:
    arrived: list[Any] = []
    hands = Hands(arrived.append, lambda: NOW, lambda _: None, Rights())

    def broken() -> None:
        raise ValueError("a mistake of ours")

    hands.before_order = broken
    with pytest.raises(ValueError, match="a mistake of ours"):
        hands._gather(FactsWanted(unit="no-such.service", scope="system", since=NOW))

    assert [one.unit for one in arrived] == ["no-such.service"]
