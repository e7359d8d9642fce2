"""What the daemon is given by the program that starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsagent.core.policy import Mode
from opsagent.interfaces import known, running

if TYPE_CHECKING:
    import pytest

    from tests.interfaces.instance import Instance

HOOK = "notifiers: [{{name: hook, kind: webhook, url: 'https://chat.example/hooks/{secret}'}}]\n"


def with_secret(instance: Instance, secret: str) -> None:
    before = instance.settings.read_text().partition("notifiers:")[0]
    instance.settings.write_text(before + HOOK.format(secret=secret))


def test_new_settings_bring_new_secrets(instance: Instance) -> None:
    with_secret(instance, "first-secret-of-some-length")
    redact = running.Redaction(known.read(instance.settings))
    assert "first-secret" not in redact("posting to first-secret-of-some-length")

    with_secret(instance, "second-secret-of-some-length")
    redact.know(known.read(instance.settings))

    assert "second-secret" not in redact("posting to second-secret-of-some-length")


def test_the_same_secret_has_the_same_mark_before_and_after_a_reload(instance: Instance) -> None:
    with_secret(instance, "first-secret-of-some-length")
    redact = running.Redaction(known.read(instance.settings))
    before = redact("first-secret-of-some-length")

    redact.know(known.read(instance.settings))

    assert redact("first-secret-of-some-length") == before


def test_without_settings_nothing_may_act(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.settings_child, "read", lambda _: known.read(instance.settings))

    found = running._read(None, instance.state)

    assert found.policy.mode is Mode.OBSERVE
    assert (found.state, found.memory) == (instance.state, instance.state / "memory")
