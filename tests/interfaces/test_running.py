"""What the daemon is given by the program that starts it."""

from __future__ import annotations

import subprocess
import sys
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


def test_the_daemon_does_not_carry_what_it_never_uses_and_can_load_it_all_the_same() -> None:
    asks = (
        "import sys, opsagent.interfaces.running, structlog, requests\n"
        "unused = {'rich', 'charset_normalizer', 'pydantic', 'ruamel', 'typer', 'apprise', 'drain3'}\n"
        "print(sorted(unused & set(sys.modules)))\n"
        "import rich.table, charset_normalizer"
    )

    found = subprocess.run([sys.executable, "-W", "error", "-c", asks], capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout, found.stderr) == (0, "[]\n", "")


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
