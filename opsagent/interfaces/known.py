"""The settings of an instance read with every kind that this program knows; or, without a file, what is discovered."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from opsagent import checks, notifiers, remedies, settings

_FILE = re.compile(r"^# (/.*\.ya?ml)\n", re.MULTILINE)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from opsagent.settings import Settings


class Kinds(Mapping[str, type]):
    """Kinds by name; the file of one is imported when it is asked for, which is half of what a start would take."""

    def __init__(self, names: Collection[str], find: Callable[[str], type]) -> None:
        """`find` imports the class of one of the names."""
        self._names = names
        self._find = find

    def __getitem__(self, name: str) -> type:
        if name not in self._names:
            raise KeyError(name)
        return self._find(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


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


def kinds() -> tuple[Mapping[str, type], Mapping[str, type]]:
    """Return the kinds of checks and of notifiers, by name."""
    return Kinds(checks.KINDS, checks.kind), Kinds(notifiers.KINDS, notifiers.kind)


def discovered() -> str:
    """Return settings for what runs on this host, as YAML: everything watched, nothing armed."""
    from opsagent.host.discovery import discover  # noqa: PLC0415 - only where there are no settings
    from opsagent.host.systemd import connection  # noqa: PLC0415
    from opsagent.interfaces.init import render  # noqa: PLC0415

    return render(discover(connection()), socket.gethostname())
