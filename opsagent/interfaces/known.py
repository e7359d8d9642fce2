"""The settings of an instance read with every kind that this program knows; or, without a file, what is discovered."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from opsagent import checks, notifiers, remedies, settings

_FILE = re.compile(r"^# (/.*\.ya?ml)\n", re.MULTILINE)

if TYPE_CHECKING:
    from pathlib import Path

    from opsagent.settings import Settings


def read(path: Path | None, *, draft: bool = False) -> Settings:
    """Return the settings of a file; without one, those for what runs on this host. Raises SettingsError."""
    check_kinds, notifier_kinds = kinds()
    if path is None:
        return settings.load_text(discovered(), check_kinds, remedies.KINDS, notifier_kinds)
    return settings.load(path, check_kinds, remedies.KINDS, notifier_kinds, draft=draft)


def recorded(text: str) -> Settings:
    """Return the settings whose text the event log kept: each file after a line `# its path`. Raises SettingsError."""
    check_kinds, notifier_kinds = kinds()
    parts = _FILE.split(text)
    files = [(path, body.removesuffix("\n")) for path, body in zip(parts[1::2], parts[2::2], strict=True)]
    return settings.load_texts(files, check_kinds, remedies.KINDS, notifier_kinds)


def kinds() -> tuple[dict[str, type], dict[str, type]]:
    """Return the kinds of checks and of notifiers, by name."""
    return (
        {name: checks.kind(name) for name in checks.KINDS},
        {name: notifiers.kind(name) for name in notifiers.KINDS},
    )


def discovered() -> str:
    """Return settings for what runs on this host, as YAML: everything watched, nothing armed."""
    from opsagent.host.discovery import discover  # noqa: PLC0415 - only where there are no settings
    from opsagent.host.systemd import connection  # noqa: PLC0415
    from opsagent.interfaces.init import render  # noqa: PLC0415

    return render(discover(connection()), socket.gethostname())
